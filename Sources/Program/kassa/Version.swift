/// The program's version, as in CHANGELOG.md.
let kassaVersion = "0.1.0"

/// The date the changelog gives for it.
let kassaVersionDate = "2026-11-23"
