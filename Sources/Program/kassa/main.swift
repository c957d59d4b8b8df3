import Glibc
import Settings

exit(Program(console: .process, environment: .process).run(Array(CommandLine.arguments.dropFirst())).rawValue)
