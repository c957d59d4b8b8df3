/// What a run knows of the server's users, items and orders: what it created, what the answers said, what it read back.
///
/// An entity is identified by its index. Confined to the run's thread.
final class World {
  struct User {
    let id: String
    /// Before the first checkout, as it was read.
    var creditAtStart: Int64 = 0
    /// After the last checkout.
    var creditAtEnd: Int64?
  }

  struct Item {
    let id: String
    var price: Int64
    var stockAtStart: Int64 = 0
    var stockAtEnd: Int64?
  }

  struct Line: Equatable {
    var item: Int
    var quantity: Int64
  }

  /// What the answers to an order's checkout said.
  enum CheckoutAnswer: Equatable {
    case notAsked
    /// 200: paid, forever.
    case paid
    /// 409 with its code; `subject` is the item or user it names.
    case refused(code: String, subject: String)
    /// No answer, or one that leaves it open.
    case unknown
  }

  struct Order {
    let id: String
    let user: Int
    var lines: [Line]
    /// A line may or may not have been added, because no answer came.
    var areLinesUncertain = false
    var answer = CheckoutAnswer.notAsked
    /// When its checkout was first sent and when its answer was read, by the monotonic clock; 0 before.
    var askedAt: Int64 = 0
    var answeredAt: Int64 = 0
    var atEnd: OrderAtEnd?
  }

  /// An order as read after the run; items unknown to the run have the index −1.
  struct OrderAtEnd: Equatable {
    var isPaid: Bool
    var isCheckingOut: Bool
    var lines: [Line]
    var total: Int64
  }

  var users: [User] = []
  var items: [Item] = []
  var orders: [Order] = []
  private var userIndices: [String: Int] = [:]
  private var itemIndices: [String: Int] = [:]

  func addUser(id: String) {
    userIndices[id] = users.count
    users.append(User(id: id))
  }

  func addItem(id: String, price: Int64) {
    itemIndices[id] = items.count
    items.append(Item(id: id, price: price))
  }

  func userIndex(of id: String) -> Int? { userIndices[id] }
  func itemIndex(of id: String) -> Int? { itemIndices[id] }

  /// The lines of an answer, with the items' indices.
  func lines(of body: OrderBody) -> [Line] {
    body.lines.map { Line(item: itemIndices[$0.item] ?? -1, quantity: $0.quantity) }
  }
}
