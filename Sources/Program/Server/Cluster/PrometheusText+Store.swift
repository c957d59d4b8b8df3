import Model
import Postgres
import Redis
import Telemetry

/// The databases and the price caches.
extension PrometheusText {
  /// The pod's stores, one for each service that it owns partitions of.
  public mutating func write(_ stores: [Service: PostgresStore]) {
    let found = stores.sorted { $0.key.rawValue < $1.key.rawValue }
    write(found.map { StoreReading(service: $0.key, isConnected: $0.value.status.isConnected, $0.value.counters) })
  }

  /// What one store says.
  struct StoreReading {
    let service: Service
    let isConnected: Bool
    let counters: PostgresCounters

    init(service: Service, isConnected: Bool, _ counters: PostgresCounters) {
      self.service = service
      self.isConnected = isConnected
      self.counters = counters
    }
  }

  mutating func write(_ readings: [StoreReading]) {
    header(.postgresConnected)
    for reading in readings { sample(.postgresConnected, reading.isConnected ? 1 : 0, labels(reading)) }
    for (metric, value) in Self.postgresCounts {
      header(metric)
      for reading in readings { sample(metric, reading.counters[keyPath: value], labels(reading)) }
    }
    header(.postgresWriteSeconds)
    for reading in readings {
      sample(
        .postgresWriteSeconds, seconds: Double(reading.counters.writeMicroseconds) / 1_000_000, labels(reading))
    }
  }

  private func labels(_ reading: StoreReading) -> [Label] { [("service", reading.service.name.description)] }

  private static let postgresCounts: [(Metric, any KeyPath<PostgresCounters, Int> & Sendable)] = [
    (.postgresConnections, \.connectionsOpen), (.postgresConnects, \.connects),
    (.postgresConnectFailures, \.connectFailures), (.postgresDisconnects, \.disconnects),
    (.postgresQueuedWrites, \.queuedWrites), (.postgresQueuedLoads, \.queuedLoads),
    (.postgresAcquisitions, \.acquisitions), (.postgresCheckpoints, \.checkpoints),
    (.postgresTransactions, \.transactions), (.postgresRowsWritten, \.rowsWritten),
    (.postgresBytesWritten, \.bytesWritten), (.postgresRowsDeleted, \.rowsDeleted),
    (.postgresRowsExpired, \.rowsExpired), (.postgresWriteFailures, \.writeFailures), (.postgresLoads, \.loads),
    (.postgresRowsLoaded, \.rowsLoaded), (.postgresLoadFailures, \.loadFailures), (.postgresPages, \.pages),
    (.postgresFencedWrites, \.fencedWrites), (.postgresFencedLoads, \.fencedLoads),
    (.postgresSetBack, \.setBack), (.postgresUnknownCommits, \.unknownCommits),
    (.postgresUnknownCommitsWritten, \.unknownCommitsWritten), (.postgresDamagedRows, \.damagedRows),
  ]

  /// The price caches of all lanes together.
  public mutating func write(_ caches: [RedisFigures]) {
    header(.redisAsking)
    sample(.redisAsking, caches.count { $0.isAsked })
    for (metric, counter) in Self.redisCounts {
      header(metric)
      sample(metric, caches.reduce(UInt64(0)) { $0 &+ $1[counter] })
    }
  }

  private static let redisCounts: [(Metric, RedisFigures.Counter)] = [
    (.redisHits, .hits), (.redisMisses, .misses), (.redisSkipped, .skipped), (.redisRefusedAtBound, .refusedAtBound),
    (.redisRequests, .requests), (.redisLateRequests, .lateRequests), (.redisWrites, .writes),
    (.redisRefusedWrites, .refusedWrites), (.redisDroppedWrites, .droppedWrites), (.redisRubbish, .rubbish),
    (.redisErrorReplies, .errorReplies), (.redisConnects, .connects), (.redisLosses, .losses),
    (.redisRefusedLogIns, .refusedLogIns),
  ]
}
