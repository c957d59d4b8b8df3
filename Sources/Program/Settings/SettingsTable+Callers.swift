import Callers

extension SettingsTable {
  static let callers: [Setting] = [
    Setting(
      "api-keys", .callers, .file(\.apiKeysFile), "the API keys of those who may use the two ports",
      "Without it and `jwt-keys` everybody may do everything. `kassa api-keys` writes it; SIGHUP makes the server read "
        + "it again. Only its owner may be able to change it. An operator port off loopback shows more than its "
        + "probes only to keys with the scope `operator:read`, and acts for those with `operator:write`."),
    Setting(
      "jwt-keys", .callers, .file(\.jwtKeysFile), "the public keys of the issuer of callers' tokens, as a JWK Set",
      "With it, a JSON Web Token signed by one of the keys is as good as an API key. RSA keys of at least 2048 bits "
        + "are for RS256, EC keys on P-256 for ES256; others in the file are ignored. SIGHUP makes the server read it "
        + "again. Only its owner may be able to change it."),
    Setting(
      "jwt-issuer", .callers, .text(1...256, \.jwtIssuer), "who issues the tokens: what they claim as `iss`",
      "As the identity provider writes it, to the last slash."),
    Setting(
      "jwt-audience", .callers, .text(1...256, \.jwtAudience), "the audience of the tokens: what they claim as `aud`",
      "So that a token for another service of the same issuer is not accepted here."),
    Setting(
      "jwt-scope-claim", .callers, .text(1...64, \.jwtScopeClaim), "the claim with a token's scopes",
      "A text with spaces between the scopes, or an array. Scopes that Kassa does not have are ignored."),
    Setting(
      "jwt-rate", .callers, .count(1...1_000_000, or: "unlimited", \.jwtRate),
      "requests per second of one subject of tokens",
      "For all tokens of the subject together; otherwise like `caller-rate`."),
    Setting(
      "no-authentication", .callers, .switched(\.servesWithoutAuthentication),
      "serve callers without credentials: needed when `http` is not a loopback address and there are no `api-keys` or "
        + "`jwt-keys`",
      "For a shop behind a gateway that checks its callers, or in a network where everybody may do everything."
    ),
    Setting(
      "caller-rate", .callers, .count(1...1_000_000, or: "unlimited", \.callerRate),
      "requests per second of one API key without its own rate",
      "As many may come at once after a pause; further ones are refused with 429. Each process counts separately."),
    Setting(
      "hosts", .callers,
      .list(
        "HOST", "names without ports", countMax: BrowserRules.hostsMax, \.hosts, isOne: BrowserRules.isHost),
      "names that requests may give as their `Host`, on both ports",
      "Others, except addresses and `localhost`, are refused with 421, so a web page whose name is made to point at "
        + "this machine cannot reach it. Without any, a port that is on a loopback address takes addresses and "
        + "`localhost` only, and any other port takes everything."),
    Setting(
      "cors-origins", .callers,
      .list(
        "ORIGIN", "origins such as https://shop.example", countMax: BrowserRules.originsMax, \.corsOrigins,
        isOne: BrowserRules.isOrigin),
      "sites whose web pages may use the REST API",
      "Pages of other sites are refused with 403. Pages of these may read the answers (CORS)."),
  ]
}
