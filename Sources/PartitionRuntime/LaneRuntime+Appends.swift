import EventLog
import Lanes
import Model

/// What a lane has for the log.
extension LaneRuntime {
  /// Puts something that an owner says about itself into the turn's next append.
  func appendControl(_ control: Control, at place: Int) {
    enqueue(Entry(time: shared.clock(), body: .control(control)), to: places[place].id)
  }

  /// Whether what is in an outbox waits for more to travel with: while the log has not acknowledged what the lane
  /// appended before, as small segments wait in TCP (RFC 896). So an idle cluster answers at once, and a busy one works
  /// in batches.
  func isCollecting(_ outbox: Outbox) -> Bool {
    let until = appendedAt + UInt64(shared.options.collectMillisecondsMax)
    return outbox.count < shared.options.recordEntriesMax && lane.now < until && shared.log.isOccupied(by: signal)
  }

  /// Has the lane turn again when it may not collect any longer.
  private func turnAfterCollecting() {
    guard !isCollectingTimed else { return }
    isCollectingTimed = true
    let until = appendedAt + UInt64(shared.options.collectMillisecondsMax)
    lane.after(milliseconds: until - lane.now) { [unowned self] in isCollectingTimed = false }
  }

  /// Puts a client's command into the turn's next append.
  func enqueue(_ entry: Entry, to partition: PartitionID) {
    commands.append(entry, to: shared.flat(partition))
    if commands.count >= shared.options.recordEntriesMax { flushCommands() }
  }

  /// - Parameter isLast: nothing comes behind it that it could wait for.
  func flushCommands(isLast: Bool = false) {
    guard !commands.isEmpty else { return }
    if !isLast, isCollecting(commands) { return turnAfterCollecting() }
    appendedAt = lane.now
    let appends = commands.take { Append(partition: shared.partition($0), record: $1, isRefusable: true) }
    do throws(LogRefusal) {
      _ = try shared.log.append(appends, by: signal)
      hasAppended = true
    } catch {
      refuse(appends, error == .backlog ? .overloaded : .logFailed)
    }
  }

  private func refuse(_ appends: [Append], _ refusal: RequestRefusal) {
    for append in appends {
      for entry in append.record.entries {
        guard case .command(let command) = entry.body else { continue }
        client?.finished(command.request.number, .refused(refusal))
      }
    }
  }

  func flushMessages() {
    guard !messages.isEmpty else { return }
    if isCollecting(messages) { return turnAfterCollecting() }
    appendedAt = lane.now
    let appends = messages.take { Append(partition: shared.partition($0), record: $1, isRefusable: false) }
    do throws(LogRefusal) {
      let position = try shared.log.append(appends, by: signal)
      hasAppended = true
      for place in places.indices where places[place].hasUnappended {
        places[place].hasUnappended = false
        places[place].actor.appended(position)
      }
    } catch {
      // The partitions' messages are not in the log, so nothing that was applied since may be checkpointed: it is
      // not, because `appended` is never said. The next start replays.
      isLogFailed = true
    }
  }
}
