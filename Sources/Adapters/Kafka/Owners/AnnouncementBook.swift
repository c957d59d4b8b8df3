import Model

/// What a pod has announced of its partitions and how much of it has arrived: the newest of each, one at a time.
struct AnnouncementBook: Sendable {
  private struct Page: Sendable {
    var newest: OwnerAnnouncement
    /// What is on its way, under which tag.
    var underWay: (tag: UInt, owner: OwnerAnnouncement)?
    /// The newest that the topic has, and where.
    var written: (owner: OwnerAnnouncement, offset: Int64)?
    /// The offset of an older owner's newest record.
    var olderAt: Int64 = -1

    var isToSend: Bool {
      guard underWay == nil else { return false }
      guard let written, written.owner == newest else { return true }
      // Compaction would keep the older owner's record, because it comes later.
      return olderAt > written.offset
    }
  }

  private var pages: [PartitionID: Page] = [:]
  private var partitions: [UInt: PartitionID] = [:]
  private var nextTag = OwnersTopic.ownersTagMin

  /// What this pod announced of each of its partitions.
  var newest: [OwnerAnnouncement] { pages.values.map(\.newest) }

  /// This pod announces something; an epoch older than one it announced before is ignored.
  mutating func announce(_ owner: OwnerAnnouncement) {
    guard var page = pages[owner.partition] else {
      pages[owner.partition] = Page(newest: owner)
      return
    }
    guard owner.epoch >= page.newest.epoch else { return }
    page.newest = owner
    pages[owner.partition] = page
  }

  /// The topic reports an owner. After a newer one than this pod nothing is left to say; after an older one this pod
  /// repeats what it said.
  mutating func read(_ owner: OwnerAnnouncement, at offset: Int64) {
    guard let page = pages[owner.partition] else { return }
    if owner.epoch > page.newest.epoch {
      pages[owner.partition] = nil
    } else if owner.epoch < page.newest.epoch {
      pages[owner.partition]?.olderAt = max(page.olderAt, offset)
    }
  }

  /// What must be sent now, under new tags.
  mutating func takeSendable() -> [(tag: UInt, owner: OwnerAnnouncement)] {
    var sendings: [(tag: UInt, owner: OwnerAnnouncement)] = []
    for (partition, page) in pages.sorted(by: { $0.key < $1.key })
    where page.isToSend {
      let tag = nextTag
      nextTag += 1
      partitions[tag] = partition
      pages[partition]?.underWay = (tag, page.newest)
      sendings.append((tag, page.newest))
    }
    return sendings
  }

  /// The topic lost what it had: everything must be said again.
  mutating func forgetWritten() {
    for partition in pages.keys {
      pages[partition]?.written = nil
      pages[partition]?.olderAt = -1
    }
  }

  /// The result of one of them: nil if it was not written; it is then sent again with the next look.
  mutating func reported(_ tag: UInt, offset: Int64?) {
    guard let partition = partitions.removeValue(forKey: tag), let underWay = pages[partition]?.underWay,
      underWay.tag == tag
    else { return }
    pages[partition]?.underWay = nil
    if let offset { pages[partition]?.written = (underWay.owner, offset) }
  }
}
