extension Manual {
  /// The man page of section 1, in roff.
  public var manPage: String {
    var lines = [
      ".TH KASSA 1 \"\(date)\" \"kassa \(version)\" \"User Commands\"", ".SH NAME",
      "kassa \\- \(escaped(Self.tagline))",
      ".SH SYNOPSIS", ".B kassa", ".I COMMAND", "\\&...", ".SH DESCRIPTION",
      "One process serves the REST API of orders, stock and payments, durable in a data folder.", ".SH COMMANDS",
    ]
    for page in pages {
      lines += [".TP", ".B kassa \(escaped("\(page.name) \(page.usage)"))", escaped(sentence(page.summary))]
      for paragraph in page.text { lines += [".IP", escaped(paragraph)] }
    }
    for page in pages where !page.options.isEmpty {
      lines.append(".SH OPTIONS OF \(escaped(page.name.uppercased()))")
      for (group, options) in Self.grouped(page.options) {
        lines.append(".SS \(escaped(group))")
        for option in options {
          lines += [".TP", ".B \(escaped(option.usage))", escaped(sentence(option.summary))]
          if !option.details.isEmpty { lines.append(escaped(option.details)) }
        }
      }
    }
    lines += [
      ".SH ENVIRONMENT",
      escaped(
        "Each setting of serve can be given as a variable: KASSA_ and its name in capitals, hyphens as underscores. "
          + "A flag overrides the environment, which overrides the settings file, which overrides the default. "
          + "A KASSA_ name that no setting has is refused."),
      ".SH EXIT STATUS",
    ]
    for code in ExitCode.allCases { lines += [".TP", "\(code.rawValue)", escaped(sentence(code.meaning))] }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Text escaped for roff.
  private func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("…", with: "...")
      .replacing("—", with: "\\(em")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
  }
}
