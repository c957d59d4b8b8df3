import Model
import PartitionCore
import Problems
import Streams

/// A command's refusal in the words of the API, for callers that did not use HTTP.
package enum RefusalText {
  /// - Returns: the name as in `ProblemCode`, and a sentence about this refusal.
  package static func of(_ reply: CommandReply) -> (code: String, reason: String) {
    let problem: Problem
    switch reply {
    case .outcome(let reply):
      guard case .refused(let refusal) = reply.outcome else { return ("none", "It was not refused.") }
      problem = Problem(refusal)
    case .skipped(_, .overloaded): problem = Problem(RequestRefusal.overloaded)
    case .skipped(_, .undecidable): problem = Problem(RequestRefusal.undecidable)
    case .skipped(_, .setAside): return ("set_aside", "An operator set the command aside, since it cannot be applied.")
    case .skipped(_, .unreadable): return ("unreadable_command", "The record is not a command for its partition.")
    case .skipped(_, .expired): problem = Problem(RequestRefusal.outcomeUnknown)
    }
    return (problem.code.rawValue, problem.detail)
  }
}
