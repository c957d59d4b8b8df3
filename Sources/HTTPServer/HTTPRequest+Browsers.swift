import Callers

extension HTTPRequest {
  /// What becomes of it, by the headers that browsers set.
  package func verdict(by rules: BrowserRules) -> BrowserRules.Verdict {
    withHeader("Host") { _, host in
      withHeader("Origin") { origins, origin in
        withHeader("Sec-Fetch-Site") { _, fetchSite in
          // Two origins are none that was named.
          origins > 1 ? .crossSite : rules.verdict(host: host, origin: origin, fetchSite: fetchSite)
        }
      }
    }
  }
}
