import Callers

extension SettingsTable {
  static let callers: [Setting] = [
    Setting(
      "api-keys", .callers, .file(\.apiKeysFile), "the API keys of those who may use the two ports",
      "Without it everybody may do everything. `kassa api-keys` writes it; SIGHUP makes the server read it again. Only "
        + "its owner may be able to change it. An operator port off loopback shows more than its probes only to keys "
        + "with the scope `operator:read`, and acts for those with `operator:write`."),
    Setting(
      "no-authentication", .callers, .switched(\.servesWithoutAuthentication),
      "serve strangers: needed when `http` is not a loopback address and there are no `api-keys`",
      "For a shop behind a gateway that checks its callers, or in a network where everybody may do everything."
    ),
    Setting(
      "caller-rate", .callers, .count(1...1_000_000, or: "unlimited", \.callerRate),
      "requests per second of one API key without its own rate",
      "As many may come at once after a pause. Beyond it a request is refused with 429. For each process by itself."),
    Setting(
      "hosts", .callers,
      .list(
        "HOST", "names without ports", countMax: BrowserRules.hostsMax, \.hosts, isOne: BrowserRules.isHost),
      "names that requests may give as their `Host`, on both ports",
      "Others are refused with 421, but for addresses and `localhost`: so a web page whose name is made to point at "
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
