/// Writes commands as Redis reads them: the number of words, then each word with its length.
enum RedisCommand {
  static func append(_ words: [[UInt8]], to output: inout [UInt8]) {
    appendHead("*", words.count, to: &output)
    for word in words { append(word, to: &output) }
  }

  static func appendHead(_ mark: Unicode.Scalar, _ number: Int, to output: inout [UInt8]) {
    output.append(UInt8(ascii: mark))
    output.append(contentsOf: String(number).utf8)
    appendEnd(to: &output)
  }

  static func append<Word: Collection<UInt8>>(_ word: Word, to output: inout [UInt8]) {
    appendHead("$", word.count, to: &output)
    output.append(contentsOf: word)
    appendEnd(to: &output)
  }

  private static func appendEnd(to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\r"))
    output.append(UInt8(ascii: "\n"))
  }
}
