/// How a setting's value is written, what it may be, and where `ServeSettings` has it.
public struct SettingType: Sendable {
  /// The completions a shell offers.
  public enum Completion: Hashable, Sendable {
    case nothing, files, folders
    case words([String])
  }

  let placeholder: String
  let range: String
  let completion: Completion
  /// Whether the value must never be shown, not even in an error.
  var isSecret = false
  /// Whether its flag may be given without a value, which then means `yes`.
  var isSwitch = false
  /// Sets the value from a text; false if that is not a value or is out of range.
  let read: @Sendable (String, inout ServeSettings) -> Bool
  let show: @Sendable (ServeSettings) -> String
}

/// A value's place in the settings.
typealias Place<Value> = any WritableKeyPath<ServeSettings, Value> & Sendable

extension SettingType {
  static func endpoint(_ path: Place<Endpoint>) -> SettingType {
    SettingType(
      placeholder: endpointPlaceholder, range: endpointRange, completion: .nothing,
      read: { assign(Endpoint($0), to: path, of: &$1) },
      show: { $0[keyPath: path].description })
  }

  /// An optional one; without it the value is shown as nothing.
  static func endpoint(_ path: Place<Endpoint?>) -> SettingType {
    SettingType(
      placeholder: endpointPlaceholder, range: endpointRange, completion: .nothing,
      read: { text, settings in
        guard let endpoint = Endpoint(text) else { return false }
        settings[keyPath: path] = endpoint
        return true
      }, show: { $0[keyPath: path]?.description ?? "" })
  }

  private static let endpointPlaceholder = "HOST:PORT"
  private static let endpointRange = "a name or an IP address (an IPv6 one in brackets) and a port of 0…65535"

  /// Several, separated by commas.
  static func endpoints(_ path: Place<[Endpoint]>) -> SettingType {
    SettingType(
      placeholder: "HOST:PORT,…", range: "names or IP addresses (IPv6 ones in brackets) with ports of 1…65535",
      completion: .nothing,
      read: { text, settings in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Endpoint(String($0)) }
        guard parts.allSatisfy({ $0.map { $0.port > 0 } ?? false }) else { return false }
        settings[keyPath: path] = parts.compactMap { $0 }
        return true
      }, show: { $0[keyPath: path].map(\.description).joined(separator: ",") })
  }

  /// Visible ASCII, without spaces.
  static func text(_ lengths: ClosedRange<Int>, _ path: Place<String>) -> SettingType {
    SettingType(
      placeholder: "TEXT", range: visibleRange(lengths), completion: .nothing,
      read: { assign(visible($0, lengths), to: path, of: &$1) }, show: { $0[keyPath: path] })
  }

  /// An optional one; without it the value is shown as nothing.
  static func text(_ lengths: ClosedRange<Int>, _ path: Place<String?>) -> SettingType {
    SettingType(
      placeholder: "TEXT", range: visibleRange(lengths), completion: .nothing,
      read: { text, settings in
        guard let text = visible(text, lengths) else { return false }
        settings[keyPath: path] = text
        return true
      }, show: { $0[keyPath: path] ?? "" })
  }

  /// A value that may contain a password: only its presence is shown. An empty one counts as none.
  static func secret(_ placeholder: String, _ path: Place<String?>) -> SettingType {
    SettingType(
      placeholder: placeholder, range: "at most \(secretBytesMax) bytes, or nothing", completion: .nothing,
      isSecret: true,
      read: { text, settings in
        guard text.utf8.count <= secretBytesMax, !text.utf8.contains(0) else { return false }
        settings[keyPath: path] = text.isEmpty ? nil : text
        return true
      }, show: { $0[keyPath: path] == nil ? "" : hidden })
  }

  /// Shown instead of a hidden value.
  static let hidden = "(hidden)"
  static let secretBytesMax = 4_096

  private static func visibleRange(_ lengths: ClosedRange<Int>) -> String {
    "\(lengths.lowerBound)…\(lengths.upperBound) visible ASCII characters"
  }

  private static func visible(_ text: String, _ lengths: ClosedRange<Int>) -> String? {
    lengths.contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) } ? text : nil
  }

  static func folder(_ path: Place<String>) -> SettingType {
    SettingType(
      placeholder: "FOLDER", range: "the path of a folder", completion: .folders,
      read: { assign(pathText($0), to: path, of: &$1) }, show: { $0[keyPath: path] })
  }

  /// An optional file; without one the value is shown as nothing.
  static func file(_ path: Place<String?>) -> SettingType {
    SettingType(
      placeholder: "FILE", range: "the path of a file", completion: .files,
      read: { text, settings in
        guard let file = pathText(text) else { return false }
        settings[keyPath: path] = file
        return true
      }, show: { $0[keyPath: path] ?? "" })
  }

  static func count(_ range: ClosedRange<Int>, _ path: Place<Int>) -> SettingType {
    SettingType(
      placeholder: "COUNT", range: "\(range.lowerBound)…\(range.upperBound)", completion: .nothing,
      read: { assign(Quantities.count($0), within: range, to: path, of: &$1) }, show: { String($0[keyPath: path]) })
  }

  /// A count, or a word for Kassa's choice.
  static func count(
    _ range: ClosedRange<Int>, or word: String, _ path: Place<Int?>
  ) -> SettingType {
    SettingType(
      placeholder: "COUNT", range: "\(word), or \(range.lowerBound)…\(range.upperBound)", completion: .words([word]),
      read: { text, settings in
        if text == word {
          settings[keyPath: path] = nil
          return true
        }
        guard let count = Quantities.count(text), range.contains(count) else { return false }
        settings[keyPath: path] = count
        return true
      }, show: { $0[keyPath: path].map(String.init) ?? word })
  }

  static func bytes(_ range: ClosedRange<Int>, _ path: Place<Int>) -> SettingType {
    SettingType(
      placeholder: "SIZE",
      range: "\(Quantities.sizeText(range.lowerBound))…\(Quantities.sizeText(range.upperBound)), in B, KiB, MiB or GiB",
      completion: .nothing, read: { assign(Quantities.bytes($0), within: range, to: path, of: &$1) },
      show: { Quantities.sizeText($0[keyPath: path]) })
  }

  static func duration(
    _ range: ClosedRange<Int64>, _ path: Place<Int64>
  ) -> SettingType {
    let lowest = Quantities.durationText(range.lowerBound)
    let highest = Quantities.durationText(range.upperBound)
    return SettingType(
      placeholder: "TIME", range: "\(lowest)…\(highest), in ms, s, m, h or d", completion: .nothing,
      read: { assign(Quantities.milliseconds($0), within: range, to: path, of: &$1) },
      show: { Quantities.durationText($0[keyPath: path]) })
  }

  /// A duration, or a word for none.
  static func duration(
    _ range: ClosedRange<Int64>, or word: String, _ path: Place<Int64?>
  ) -> SettingType {
    let lowest = Quantities.durationText(range.lowerBound)
    let highest = Quantities.durationText(range.upperBound)
    return SettingType(
      placeholder: "TIME", range: "\(word), or \(lowest)…\(highest), in ms, s, m, h or d", completion: .words([word]),
      read: { text, settings in
        if text == word {
          settings[keyPath: path] = nil
          return true
        }
        guard let time = Quantities.milliseconds(text), range.contains(time) else { return false }
        settings[keyPath: path] = time
        return true
      }, show: { $0[keyPath: path].map(Quantities.durationText) ?? word })
  }

  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ path: Place<Choice>
  ) -> SettingType {
    let words = Choice.allCases.map(\.rawValue)
    return SettingType(
      placeholder: words.joined(separator: "|"), range: words.joined(separator: " or "), completion: .words(words),
      read: { assign(Choice(rawValue: $0), to: path, of: &$1) }, show: { $0[keyPath: path].rawValue })
  }

  static let switchWords = ["yes", "no"]

  /// A yes or no; the flag alone means yes.
  static func switched(_ path: Place<Bool>) -> SettingType {
    SettingType(
      placeholder: switchWords.joined(separator: "|"), range: "yes or no; the flag alone means yes",
      completion: .words(switchWords), isSwitch: true,
      read: { assign($0 == "yes" ? true : $0 == "no" ? false : nil, to: path, of: &$1) },
      show: { $0[keyPath: path] ? "yes" : "no" })
  }

  /// Several texts, separated by commas; empty texts do not count.
  static func list(
    _ placeholder: String, _ range: String, countMax: Int, _ path: Place<[String]>,
    isOne: @escaping @Sendable (String) -> Bool
  ) -> SettingType {
    SettingType(
      placeholder: "\(placeholder),…", range: "\(range); at most \(countMax)", completion: .nothing,
      read: { text, settings in
        let parts = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= countMax, parts.allSatisfy(isOne) else { return false }
        settings[keyPath: path] = parts
        return true
      }, show: { $0[keyPath: path].joined(separator: ",") })
  }

  private static func pathText(_ text: String) -> String? {
    text.isEmpty || text.utf8.contains(0) ? nil : text
  }
}

private func assign<Value>(
  _ value: Value?, to path: WritableKeyPath<ServeSettings, Value>, of settings: inout ServeSettings
) -> Bool {
  guard let value else { return false }
  settings[keyPath: path] = value
  return true
}

private func assign<Value: Comparable>(
  _ value: Value?, within range: ClosedRange<Value>, to path: WritableKeyPath<ServeSettings, Value>,
  of settings: inout ServeSettings
) -> Bool {
  guard let value, range.contains(value) else { return false }
  settings[keyPath: path] = value
  return true
}
