import Model
import PartitionCore
import Streams

@testable import Wire

extension Arbitrary {
  /// What the run of a pod may have for another.
  mutating func meshFrame() -> [MeshMessage] { list(max: 8) { $0.meshMessage() } }

  mutating func meshMessage() -> MeshMessage {
    switch below(15) {
    case 0: .owns(ownerID(), partition())
    case 1: .released(by: ownerID(), partition(), to: ownerID())
    case 2: .hello(streamSource(), partition(), ownerID(), asker: number(max: .max))
    case 3: .commands(streamFrame { $0.streamInput() })
    case 4: .messages(streamFrame { $0.message() })
    case 5: .repliesReceived(list(max: 4) { $0.request() }, partition(), ownerID())
    case 6: .read(query(), request())
    case 7:
      .greeting(
        StreamGreeting(
          source: streamSource(), destination: partition(), owner: ownerID(), number: anyStreamNumber(), now: time(),
          asOf: time(), asker: number(max: .max)))
    case 8:
      .acknowledgement(
        StreamAcknowledgement(
          source: streamSource(), destination: partition(), owner: ownerID(), number: anyStreamNumber(), asOf: time()))
    case 9:
      .gap(
        StreamGap(source: streamSource(), destination: partition(), owner: ownerID(), expected: anyStreamNumber()))
    case 10: .notMine(partition(), ownerID())
    case 11: .replies(list(max: 4) { $0.reply() }, partition(), ownerID())
    case 12: .answer(request(), view())
    case 13: .readForwarded(request())
    default: .readRefused(request(), refusalOfAPeer())
    }
  }

  private mutating func anyStreamNumber() -> UInt64 { number(max: UInt64(Int64.max)) }

  private mutating func streamSource() -> StreamSource { flip() ? .partition(partition()) : .session(session()) }

  private mutating func streamFrame<Input>(_ input: (inout Arbitrary) -> Input) -> StreamFrame<Input> {
    let inputs = [input(&self)] + list(max: 4, input)
    return StreamFrame(
      source: streamSource(), destination: partition(), owner: ownerID(),
      first: 1 + number(max: UInt64(Int64.max) - UInt64(inputs.count)), inputs: inputs, asOf: time())
  }

  private mutating func streamInput() -> StreamInput {
    if below(8) == 0 { return .message(message()) }
    return .command(
      clientCommand(),
      deadline: maybe { arbitrary in
        let distance = Int64(arbitrary.number(max: UInt64(WireLimits.deadlineMillisecondsMax)))
        return arbitrary.flip() ? distance : -distance
      })
  }
}
