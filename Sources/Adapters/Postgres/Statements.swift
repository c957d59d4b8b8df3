/// The statements of a running store; each connection prepares them once.
///
/// `fence` comes first in every checkpoint: it takes the partition's row for the transaction and moves it to the
/// write's own turn, if epoch and turn are what the owner believes. Everything after it checks for that turn and does
/// nothing if the fence did nothing. What replaces or deletes rows returns them as they were, for the totals in the
/// checkpoint's header, which is written last. So a checkpoint is two round trips, and needs no code in the database.
///
/// A statement is planned once per connection, perhaps while its tables are empty, and the cheapest plan then may
/// compare every row of a partition with every requested row. So the planner gets no choice: each requested row is
/// looked up by its whole key, in a `LATERAL` query that PostgreSQL cannot reorder, and deleted by its location in the
/// table. That location stays valid: nobody else writes a partition whose fence this transaction holds.
enum Statement: String, CaseIterable {
  case begin, commit, rollback, time, partitionCount
  case raiseEpoch, fence, writeHeader, settle
  case upsert, delete, deleteExpired
  case deleteMessages, insertMessages, deleteReplies, insertReplies
  case load, orders, standing, one, ofKind, every, header, quarantined, messages, replies

  var text: String {
    switch self {
    case .begin: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    case .commit: "COMMIT"
    case .rollback: "ROLLBACK"
    case .time: "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8"
    case .partitionCount: "SELECT partition_count::int8 FROM kassa.identity FOR SHARE"
    case .raiseEpoch, .fence, .writeHeader, .settle: fencing
    case .upsert, .delete, .deleteExpired: writing
    case .deleteMessages, .insertMessages, .deleteReplies, .insertReplies: writingUnsent
    case .load, .orders, .standing, .one, .ofKind, .every, .header, .quarantined: reading
    case .messages, .replies: readingUnsent
    }
  }

  private var fencing: String {
    switch self {
    // partition, the highest epoch known from elsewhere
    case .raiseEpoch:
      """
      INSERT INTO kassa.checkpoints AS c (partition, epoch, turn) VALUES ($1::int2, $2::int8 + 1, 0)
      ON CONFLICT (partition) DO UPDATE
      SET epoch = CASE WHEN c.epoch < 0 THEN c.epoch ELSE GREATEST(c.epoch, $2::int8) + 1 END, turn = 0
      RETURNING epoch, header
      """
    // partition, epoch, the turn reached, this write's turn, the log's offset; returns the header before
    case .fence:
      """
      UPDATE kassa.checkpoints SET turn = $4::int8, log_offset = $5::int8, written_at = now()
      WHERE partition = $1::int2 AND epoch = $2::int8 AND turn = $3::int8 RETURNING header
      """
    // partition, epoch, turn, header
    case .writeHeader:
      """
      UPDATE kassa.checkpoints SET header = $4::bytea
      WHERE partition = $1::int2 AND epoch = $2::int8 AND turn = $3::int8
      """
    // partition, epoch, the lost write's turn, a turn that makes that write impossible, so that the result is final;
    // the turn reached before, which only a database that was set back is below
    default:
      """
      UPDATE kassa.checkpoints SET turn = CASE turn WHEN $3::int8 THEN turn ELSE $4::int8 END
      WHERE partition = $1::int2 AND epoch = $2::int8 AND turn >= $5::int8 RETURNING turn
      """
    }
  }

  private static let fenced =
    "EXISTS (SELECT FROM kassa.checkpoints WHERE partition = $1::int2 AND epoch = $2::int8 AND turn = $3::int8)"

  private var writing: String {
    switch self {
    // partition, epoch, turn, the log's offset, kinds, keys, expiries, bodies; returns the rows that are replaced: both
    // parts see them as they were before the statement
    case .upsert:
      """
      WITH written AS (
        INSERT INTO kassa.entities (partition, kind, key, expiry, log_offset, body)
        SELECT $1::int2, u.kind, u.key, u.expiry, $4::int8, u.body
        FROM unnest($5::int2[], $6::text[], $7::int8[], $8::bytea[]) AS u (kind, key, expiry, body)
        WHERE \(Self.fenced)
        ON CONFLICT (partition, kind, key)
        DO UPDATE SET expiry = excluded.expiry, log_offset = excluded.log_offset, body = excluded.body)
      SELECT u.kind, u.key, e.body FROM unnest($5::int2[], $6::text[]) AS u (kind, key) CROSS JOIN LATERAL (
        SELECT body FROM kassa.entities
        WHERE partition = $1::int2 AND kind = u.kind AND key = u.key COLLATE "C" LIMIT 1) AS e
      """
    // partition, epoch, turn, kinds, keys; returns the rows
    case .delete:
      """
      DELETE FROM kassa.entities WHERE ctid = ANY (ARRAY(
        SELECT e.ctid FROM unnest($4::int2[], $5::text[]) AS u (kind, key) CROSS JOIN LATERAL (
          SELECT ctid FROM kassa.entities
          WHERE partition = $1::int2 AND kind = u.kind AND key = u.key COLLATE "C" LIMIT 1) AS e)) AND \(Self.fenced)
      RETURNING kind, key, body
      """
    // partition, epoch, turn, the kind of idempotency keys, the partition's time, the most rows; returns the rows
    default:
      """
      DELETE FROM kassa.entities WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM kassa.entities
        WHERE partition = $1::int2 AND kind = $4::int2 AND expiry <= $5::int8 AND expiry IS NOT NULL
        ORDER BY expiry LIMIT $6::int8)) AND \(Self.fenced) RETURNING kind, key, body
      """
    }
  }

  /// Writes to the tables of unacknowledged messages and replies.
  private var writingUnsent: String {
    switch self {
    // partition, epoch, turn, destinations, the first and the last numbers
    case .deleteMessages:
      """
      DELETE FROM kassa.outbox WHERE ctid = ANY (ARRAY(
        SELECT o.ctid FROM unnest($4::int2[], $5::int8[], $6::int8[]) AS u (destination, low, high)
        CROSS JOIN LATERAL (
          SELECT ctid FROM kassa.outbox
          WHERE partition = $1::int2 AND destination = u.destination AND number BETWEEN u.low AND u.high
          OFFSET 0) AS o)) AND \(Self.fenced)
      """
    // partition, epoch, turn, destinations, numbers, bodies
    case .insertMessages:
      """
      INSERT INTO kassa.outbox (partition, destination, number, body)
      SELECT $1::int2, u.destination, u.number, u.body
      FROM unnest($4::int2[], $5::int8[], $6::bytea[]) AS u (destination, number, body) WHERE \(Self.fenced)
      ON CONFLICT (partition, destination, number) DO UPDATE SET body = excluded.body
      """
    // partition, epoch, turn, places
    case .deleteReplies:
      """
      DELETE FROM kassa.replies WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM unnest($4::int8[]) AS u (place) CROSS JOIN LATERAL (
          SELECT ctid FROM kassa.replies WHERE partition = $1::int2 AND place = u.place LIMIT 1) AS r))
      AND \(Self.fenced)
      """
    // partition, epoch, turn, places, bodies
    default:
      """
      INSERT INTO kassa.replies (partition, place, body) SELECT $1::int2, u.place, u.body
      FROM unnest($4::int8[], $5::bytea[]) AS u (place, body) WHERE \(Self.fenced)
      ON CONFLICT (partition, place) DO UPDATE SET body = excluded.body
      """
    }
  }

  private var readingUnsent: String {
    switch self {
    // partition, the destination and number before, the most rows
    case .messages:
      """
      SELECT destination::int8, number, body FROM kassa.outbox
      WHERE partition = $1::int2 AND (destination, number) > ($2::int2, $3::int8)
      ORDER BY destination, number LIMIT $4::int8
      """
    // partition, the place before, the most rows
    default:
      """
      SELECT place, body FROM kassa.replies WHERE partition = $1::int2 AND place > $2::int8
      ORDER BY place LIMIT $3::int8
      """
    }
  }

  private var reading: String {
    switch self {
    // partition, epoch, kinds, keys, the turn reached; returns at least one row, with the partition's standing, and a
    // row for each key that exists
    case .load:
      """
      SELECT c.epoch, c.turn, c.log_offset, r.place, r.body FROM kassa.checkpoints AS c LEFT JOIN (
        SELECT w.place, e.body FROM unnest($3::int2[], $4::text[]) WITH ORDINALITY AS w (kind, key, place)
        CROSS JOIN LATERAL (
          SELECT body FROM kassa.entities
          WHERE partition = $1::int2 AND kind = w.kind AND key = w.key COLLATE "C" LIMIT 1) AS e
      ) AS r ON c.epoch = $2::int8 AND c.turn >= $5::int8 WHERE c.partition = $1::int2
      """
    // partition, epoch, the kind of orders, the key before, the most rows, the turn reached; returns at least one row,
    // with the partition's standing, and a row for each order
    case .orders:
      """
      SELECT c.epoch, c.turn, c.log_offset, e.key, e.body FROM kassa.checkpoints AS c LEFT JOIN LATERAL (
        SELECT key, body FROM kassa.entities
        WHERE partition = $1::int2 AND kind = $3::int2 AND key > $4::text COLLATE "C"
        ORDER BY key LIMIT $5::int8
      ) AS e ON c.epoch = $2::int8 AND c.turn >= $6::int8 WHERE c.partition = $1::int2 ORDER BY e.key
      """
    // partition
    case .standing:
      "SELECT epoch, turn, log_offset FROM kassa.checkpoints WHERE partition = $1::int2"
    // partition, kinds, keys
    case .one:
      """
      SELECT w.place, e.body FROM unnest($2::int2[], $3::text[]) WITH ORDINALITY AS w (kind, key, place)
      CROSS JOIN LATERAL (
        SELECT body FROM kassa.entities
        WHERE partition = $1::int2 AND kind = w.kind AND key = w.key COLLATE "C" LIMIT 1) AS e
      """
    // partition, kind, the key before, the most rows
    case .ofKind:
      """
      SELECT key, body FROM kassa.entities WHERE partition = $1::int2 AND kind = $2::int2 AND key > $3::text COLLATE "C"
      ORDER BY key LIMIT $4::int8
      """
    // partition, the kind and key before, the most rows
    case .every:
      """
      SELECT kind, key, body FROM kassa.entities
      WHERE partition = $1::int2 AND (kind, key) > ($2::int2, $3::text COLLATE "C") ORDER BY kind, key LIMIT $4::int8
      """
    // partition, the most rows
    case .quarantined:
      "SELECT number FROM kassa.quarantined WHERE partition = $1::int2 ORDER BY number DESC LIMIT $2::int8"
    // partition
    default:
      "SELECT epoch, header FROM kassa.checkpoints WHERE partition = $1::int2"
    }
  }
}
