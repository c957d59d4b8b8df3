package javax.annotation;

/** A mark that generated sources carry and that newer JDKs no longer have. */
public @interface Generated {
  String[] value();

  String date() default "";

  String comments() default "";
}
