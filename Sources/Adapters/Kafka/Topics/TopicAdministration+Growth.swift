import CRdKafka
import Model
import Ports

extension TopicAdministration {
  func addPartitions(to topic: String, count: Int) throws(LogFailure) {
    var reason = [CChar](repeating: 0, count: 512)
    var wanted: [OpaquePointer?] = [rd_kafka_NewPartitions_new(topic, count, &reason, reason.count)]
    guard wanted[0] != nil else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw LogFailure(.settings, "\(topic): cannot have \(count) partitions: \(text)")
    }
    defer { rd_kafka_NewPartitions_destroy_array(&wanted, wanted.count) }
    let refusal = try ask("whether they added partitions") { handle, queue in
      rd_kafka_CreatePartitions(handle, &wanted, wanted.count, nil, queue)
    } read: { event -> String? in
      var results = 0
      let topics = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &results)
      guard results > 0, let result = topics?[0] else { return "no broker gave a reason" }
      let code = rd_kafka_topic_result_error(result)
      guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
      return rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? KafkaLibrary.text(code)
    }
    if let refusal { throw LogFailure(.settings, "\(topic): partitions were not added: \(refusal)") }
  }

  func removeRecords(before rows: [(topic: String, partition: Int32, offset: Int64)]) throws(LogFailure) {
    let list = rd_kafka_topic_partition_list_new(Int32(clamping: rows.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for row in rows {
      rd_kafka_topic_partition_list_add(list, row.topic, row.partition).pointee.offset = row.offset
    }
    var wanted: [OpaquePointer?] = [rd_kafka_DeleteRecords_new(list)]
    defer { rd_kafka_DeleteRecords_destroy_array(&wanted, wanted.count) }
    let refusal = try ask("whether they removed records") { handle, queue in
      rd_kafka_DeleteRecords(handle, &wanted, wanted.count, nil, queue)
    } read: { event -> String? in
      guard let found = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event)) else {
        return "no broker gave a reason"
      }
      let parts = UnsafeBufferPointer(start: found.pointee.elems, count: Int(found.pointee.cnt))
      guard let failed = parts.first(where: { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }) else { return nil }
      return "\(String(cString: failed.topic)) \(failed.partition): \(KafkaLibrary.text(failed.err))"
    }
    if let refusal { throw LogFailure(.settings, "records were not removed: \(refusal)") }
  }
}
