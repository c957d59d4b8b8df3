/// Writes metrics in Prometheus' text format, version 0.0.4.
///
/// All samples of a metric follow its `# HELP` and `# TYPE`: write the header once, then the samples. Source:
/// https://prometheus.io/docs/instrumenting/exposition_formats/
public struct PrometheusText: Sendable {
  public private(set) var bytes: [UInt8] = []
  public static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

  /// One label of a sample; the value may be any text.
  public typealias Label = (name: StaticString, value: String)

  public init() { bytes.reserveCapacity(16_384) }

  public mutating func header(_ metric: Metric) {
    put("# HELP \(metric.name) ")
    put(escaping: metric.help.description, quotes: false)
    put("\n# TYPE \(metric.name) \(metric.kind.rawValue)\n")
  }

  public mutating func sample(_ metric: Metric, _ value: some BinaryInteger, _ labels: [Label] = []) {
    sample(metric, suffix: "", labels, value: String(value))
  }

  public mutating func sample(_ metric: Metric, seconds: Double, _ labels: [Label] = []) {
    sample(metric, suffix: "", labels, value: Self.text(seconds))
  }

  /// A histogram of durations.
  /// - Parameters:
  ///   - counts: per bucket, not cumulative; one more than there are bounds, the last is +Inf.
  public mutating func histogram(
    _ metric: Metric, _ labels: [Label], boundsMicroseconds: [Int64], counts: [UInt64], sumMicroseconds: UInt64
  ) {
    var cumulated: UInt64 = 0
    for (index, count) in counts.enumerated() {
      cumulated &+= count
      let bound =
        index < boundsMicroseconds.count ? Self.text(Double(boundsMicroseconds[index]) / 1_000_000) : "+Inf"
      sample(metric, suffix: "_bucket", labels + [("le", bound)], value: String(cumulated))
    }
    sample(metric, suffix: "_sum", labels, value: Self.text(Double(sumMicroseconds) / 1_000_000))
    sample(metric, suffix: "_count", labels, value: String(cumulated))
  }

  private mutating func sample(_ metric: Metric, suffix: String, _ labels: [Label], value: String) {
    put("\(metric.name)\(suffix)")
    for (index, label) in labels.enumerated() {
      put(index == 0 ? "{" : ",")
      put("\(label.name)=\"")
      put(escaping: label.value, quotes: true)
      put("\"")
    }
    put(labels.isEmpty ? " " : "} ")
    put(value)
    put("\n")
  }

  private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func put(escaping text: String, quotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): put("\\\\")
      case UInt8(ascii: "\n"): put("\\n")
      case UInt8(ascii: "\"") where quotes: put("\\\"")
      default: bytes.append(byte)
      }
    }
  }

  /// Swift writes what Prometheus reads, except for the names of the infinities.
  private static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }
}
