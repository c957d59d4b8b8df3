/// The shells with completions.
public enum Shell: String, CaseIterable, Sendable { case bash, zsh, fish }

extension Manual {
  /// A script with which a shell completes the commands, flags and values.
  public func completions(for shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  private var bash: String {
    var lines = [
      "# Completions of kassa \(version) for bash.", "_kassa() {",
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"", "  COMPREPLY=()",
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
      "    mapfile -t COMPREPLY < <(compgen -W \"\(pages.map(\.name).joined(separator: " "))\" -- \"$current\")",
      "    return", "  fi", "  case \"${COMP_WORDS[1]} $previous\" in",
    ]
    for page in pages {
      for option in page.options where option.placeholder != nil {
        let choice =
          switch option.completion {
          case .nothing: ":"
          case .files: "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
          case .folders: "mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
          case .words(let words):
            "mapfile -t COMPREPLY < <(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\")"
          }
        lines.append("    \"\(page.name) \(option.flag)\") \(choice); return ;;")
      }
    }
    lines += ["  esac", "  case \"${COMP_WORDS[1]}\" in"]
    for page in pages where !page.options.isEmpty || !page.words.isEmpty {
      let words = (page.words + page.options.map(\.flag)).joined(separator: " ")
      lines.append("    \(page.name)) mapfile -t COMPREPLY < <(compgen -W \"\(words)\" -- \"$current\") ;;")
    }
    lines += ["  esac", "}", "complete -F _kassa kassa"]
    return lines.joined(separator: "\n") + "\n"
  }

  private var zsh: String {
    var lines = [
      "#compdef kassa", "# Completions of kassa \(version) for zsh.", "_kassa() {", "  local -a commands",
      "  commands=(",
    ]
    for page in pages { lines.append("    \(quoted("\(page.name):\(page.summary)"))") }
    lines += [
      "  )", "  if (( CURRENT == 2 )); then", "    _describe command commands", "    return", "  fi",
      "  local command=$words[2]", "  shift words", "  (( CURRENT-- ))", "  case $command in",
    ]
    for page in pages where !page.options.isEmpty || !page.words.isEmpty {
      lines.append("    \(page.name))")
      var specifications = page.words.isEmpty ? [] : [quoted("1:what:(\(page.words.joined(separator: " ")))")]
      specifications += page.options.map(zshSpecification)
      lines.append("      _arguments \(specifications.joined(separator: " \\\n        "))")
      lines.append("      ;;")
    }
    lines += ["  esac", "}", "_kassa \"$@\""]
    return lines.joined(separator: "\n") + "\n"
  }

  private func zshSpecification(_ option: CommandOption) -> String {
    let summary = option.summary.replacing("[", with: "(").replacing("]", with: ")").replacing(":", with: "\\:")
    guard let placeholder = option.placeholder else { return quoted("\(option.flag)[\(summary)]") }
    let action =
      switch option.completion {
      case .nothing: " "
      case .files: "_files"
      case .folders: "_files -/"
      case .words(let words): "(\(words.joined(separator: " ")))"
      }
    return quoted("\(option.flag)[\(summary)]:\(placeholder.replacing(":", with: "\\:")):\(action)")
  }

  private var fish: String {
    var lines = ["# Completions of kassa \(version) for fish.", "complete -c kassa -f"]
    for page in pages {
      lines.append("complete -c kassa -n __fish_use_subcommand -a \(page.name) -d \(quoted(page.summary))")
    }
    for page in pages {
      let inside = "complete -c kassa -n '__fish_seen_subcommand_from \(page.name)'"
      if !page.words.isEmpty { lines.append("\(inside) -a \(quoted(page.words.joined(separator: " ")))") }
      for option in page.options {
        let value =
          switch option.completion {
          case .nothing: option.placeholder == nil ? "" : " -x"
          case .files: " -r -F"
          case .folders: " -x -a '(__fish_complete_directories)'"
          case .words(let words): " -x -a \(quoted(words.joined(separator: " ")))"
          }
        lines.append("\(inside) -l \(option.name)\(value) -d \(quoted(option.summary))")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// In single quotes; each of the three shells reads `'\''` as a quote.
  private func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "'\\''"))'" }
}
