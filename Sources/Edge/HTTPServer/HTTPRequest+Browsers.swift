import Callers

extension HTTPRequest {
  /// How to treat it, judged by the headers that browsers set.
  package func verdict(by rules: BrowserRules) -> BrowserRules.Verdict {
    withHeader("Host") { _, host in
      withHeader("Origin") { origins, origin in
        withHeader("Sec-Fetch-Site") { _, fetchSite in
          // Two origins match no configured one.
          origins > 1 ? .crossSite : rules.verdict(host: host, origin: origin, fetchSite: fetchSite)
        }
      }
    }
  }
}
