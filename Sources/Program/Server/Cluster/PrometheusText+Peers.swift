import Peers
import Telemetry

/// The connections to other pods.
extension PrometheusText {
  public mutating func write(_ mesh: PeerMesh, _ link: MeshLink) {
    write(
      PeerReading(mesh), mesh.figures, undecodableFrames: link.undecodableFrames,
      oversizedSends: link.oversizedSends)
  }

  mutating func write(
    _ reading: PeerReading, _ figures: PeerFigures, undecodableFrames: UInt64, oversizedSends: UInt64
  ) {
    header(.peersConnected)
    sample(.peersConnected, reading.statuses.count { $0.state == .connected })
    header(.peersReplaced)
    sample(.peersReplaced, reading.isReplaced ? 1 : 0)
    for (metric, counter) in Self.peerCounts {
      header(metric)
      sample(metric, figures[counter])
    }
    header(.peersUndecodableFrames)
    sample(.peersUndecodableFrames, undecodableFrames)
    header(.peersOversizedSends)
    sample(.peersOversizedSends, oversizedSends)
    let values: [(Metric, (PeerStatus) -> Int)] = [
      (.peerUp, { $0.state == .connected ? 1 : 0 }), (.peerQueuedFrames, \.queuedFrames),
      (.peerQueuedBytes, \.queuedBytes),
    ]
    for (metric, value) in values {
      header(metric)
      for status in reading.statuses { sample(metric, value(status), [("peer", status.name)]) }
    }
  }

  private static let peerCounts: [(Metric, PeerFigures.Counter)] = [
    (.peersFramesSent, .framesSent), (.peersFramesReceived, .framesReceived), (.peersPacketsSent, .packetsSent),
    (.peersPacketsReceived, .packetsReceived), (.peersDuplicateFrames, .duplicateFrames),
    (.peersRefusedFrames, .refusedFrames), (.peersWelcomes, .welcomes), (.peersRefusals, .refusals),
    (.peersRubbishLinks, .rubbishLinks), (.peersFailedHandshakes, .failedHandshakes),
    (.peersRefusedCertificates, .refusedCertificates), (.peersFailedReloads, .failedReloads),
    (.peersStrayPackets, .strayPackets), (.peersReconnects, .reconnects),
  ]
}
