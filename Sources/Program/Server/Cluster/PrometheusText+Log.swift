import Kafka
import Model
import Ports
import Telemetry

/// The log in Kafka, the map of owners, and membership of its groups.
extension PrometheusText {
  /// Everything that the log reports, including whether it takes records at all.
  mutating func write(_ log: KafkaRecordLog) {
    header(.logFailed)
    sample(.logFailed, log.failure == nil ? 0 : 1)
    write(log.statistics)
    write(margins: log.margins)
  }

  mutating func write(_ statistics: KafkaRecordLog.Statistics) {
    let values: [(Metric, UInt64)] = [
      (.kafkaAcknowledged, statistics.recordsAcknowledged), (.kafkaReportBatches, statistics.reportBatches),
      (.kafkaRequests, statistics.requests),
      (.kafkaUnknown, statistics.recordsUnknown), (.kafkaRecordsRead, statistics.recordsRead),
      (.kafkaReadingsBegun, statistics.readingsBegun), (.kafkaReadingsBroken, statistics.readingsBroken),
      (.kafkaPartitionsRead, UInt64(clamping: statistics.partitionsRead)),
      (.kafkaPendingRecords, UInt64(clamping: statistics.recordsPending)),
      (.kafkaPendingBytes, UInt64(clamping: statistics.bytesPending)),
    ]
    for (metric, value) in values {
      header(metric)
      sample(metric, value)
    }
  }

  /// What other systems wrote.
  mutating func write(_ statistics: KafkaIngest.Statistics) {
    let partitions = statistics.partitions.sorted { $0.key < $1.key }
    for (metric, value) in [
      (Metric.ingestLag, { $0.lag }), (.ingestStopped, { $0.isStopped ? 1 : 0 }),
    ] as [(Metric, (KafkaIngest.Figures) -> Int64)] {
      header(metric)
      for (partition, figures) in partitions {
        sample(
          metric, value(figures),
          [("service", partition.service.name.description), ("partition", String(partition.index))])
      }
    }
    for (metric, counts) in [(Metric.ingestTaken, statistics.taken), (.ingestRefused, statistics.refused)] {
      header(metric)
      for service in Service.allCases {
        sample(metric, counts[service] ?? 0, [("service", service.name.description)])
      }
    }
  }

  mutating func write(margins: [PartitionID: Int64]) {
    header(.kafkaMargin)
    for (partition, margin) in margins.sorted(by: { $0.key < $1.key }) {
      sample(
        .kafkaMargin, margin,
        [("service", partition.service.name.description), ("partition", String(partition.index))])
    }
  }

  /// The map of owners as this pod has it.
  /// - Parameter isThere: whether a pod of the map can be reached.
  public mutating func write(_ ownership: any OwnershipMap, isThere: (PodAnnouncement) -> Bool = { _ in true }) {
    let snapshot = ownership.snapshot()
    let owned = snapshot.allOwners.count { snapshot.pods[$0.incarnation].map(isThere) ?? false }
    let values: [(Metric, UInt64)] = [
      (.ownersPods, UInt64(clamping: snapshot.pods.count)), (.ownersPartitions, UInt64(clamping: owned)),
      (.ownersPassedOver, ownership.recordsPassedOver),
    ]
    for (metric, value) in values {
      header(metric)
      sample(metric, value)
    }
  }

  /// The pod's memberships, one for each service that it owns partitions of.
  public mutating func write(_ members: [KafkaMember]) {
    write(members.map { ($0.service, $0.statistics) })
  }

  mutating func write(_ members: [(service: Service, statistics: KafkaMember.Statistics)]) {
    let values: [(Metric, (KafkaMember.Statistics) -> UInt64)] = [
      (.memberAssignments, \.assignments), (.memberRevocations, \.revocations), (.memberLosses, \.losses),
      (.memberTroubles, \.troubles), (.memberPartitions, { UInt64(clamping: $0.partitions) }),
      (.memberLost, { $0.isLost ? 1 : 0 }),
    ]
    for (metric, value) in values {
      header(metric)
      for (service, statistics) in members {
        sample(metric, value(statistics), [("service", service.name.description)])
      }
    }
  }
}
