// Buckets of subjects, without a way to fill one
//
// An API key's bucket lives as long as its line in the file. Subjects of tokens come from elsewhere, in any number, so
// their buckets have a bound, and beyond it a bucket has to make room. If it were simply forgotten, it would be full
// when its subject comes back: whoever has tokens of many subjects could empty buckets, push them out, and start over.
// Two rules prevent this.
//
// * What is displaced is closed: lanes that still remember it get nothing more out of it, and fetch the new one.
// * A new bucket is no fuller than the emptiest one ever displaced. So a subject that comes back finds at most what it
//   left.
//
// The fullest of a few makes room, which is also the one that was not used for the longest time. A bucket that has
// rested for a second or so is full, and loses nothing. Only if more subjects than there are buckets come within
// that second does a new subject begin with less than a full bucket, for as long as a bucket takes to fill.

import Synchronization

/// The buckets of the subjects of tokens, shared by all lanes.
package final class SubjectBuckets: Sendable {
  /// About 4 MiB.
  package static let countMax = 16_384
  /// How many are looked at to find the one that makes room.
  static let candidates = 16

  private struct State {
    var places: [String: Int] = [:]
    var subjects: [String] = []
    var buckets: [SharedBucket] = []
    /// The next one to be looked at.
    var hand = 0
    /// The emptiest that was displaced.
    var emptiest = TokenBucket()
  }

  private let state = Mutex(State())
  private let countMax: Int

  /// - Parameter countMax: at least 1.
  package init(countMax: Int = SubjectBuckets.countMax) { self.countMax = max(1, countMax) }

  /// The bucket of a subject, a new one if there is none.
  func bucket(of subject: String) -> SharedBucket {
    state.withLock { state in
      if let place = state.places[subject] { return state.buckets[place] }
      if state.buckets.count < countMax {
        let bucket = SharedBucket(state.emptiest)
        state.places[subject] = state.buckets.count
        state.subjects.append(subject)
        state.buckets.append(bucket)
        return bucket
      }
      let place = Self.fullest(&state)
      let displaced = state.buckets[place].close()
      state.emptiest.fullAt = max(state.emptiest.fullAt, displaced.fullAt)
      state.places[state.subjects[place]] = nil
      let bucket = SharedBucket(state.emptiest)
      state.places[subject] = place
      state.subjects[place] = subject
      state.buckets[place] = bucket
      return bucket
    }
  }

  /// The place of the fullest of the next few.
  private static func fullest(_ state: inout State) -> Int {
    var best = state.hand
    for _ in 0..<min(candidates, state.buckets.count) {
      if state.buckets[state.hand].bucket.fullAt < state.buckets[best].bucket.fullAt { best = state.hand }
      state.hand = (state.hand + 1) % state.buckets.count
    }
    return best
  }
}
