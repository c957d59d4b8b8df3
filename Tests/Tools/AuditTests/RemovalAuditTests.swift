import Audit
import Model
import SQLite
import TestSupport
import Testing

/// Folders of shops that have removed old orders.
@Suite struct RemovalAuditTests {
  private let fixture: RemovalFixture

  init() throws { fixture = try RemovalFixture() }

  @Test func isSoundBeforeAndAfterASweep() throws {
    let shop = try fixture.shop()
    try fixture.expectSound(orders: 2)
    try shop.sweep([fixture.paid, fixture.open])
    try fixture.expectSound(orders: 2)
    try shop.checkpoint()
    fixture.passADay(shop)
    try shop.sweep([fixture.paid, fixture.open])
    try fixture.expectSound(orders: 0)
    try shop.checkpoint()
    try fixture.expectSound(orders: 0)
    let store = try SQLiteStoreReader(path: fixture.path)
    for order in [fixture.paid, fixture.open] {
      #expect(try store.entity(.payment(fixture.user, order), of: fixture.payments) == nil)
    }
    guard case .user(let account)? = try store.entity(.user(fixture.user), of: fixture.payments) else {
      Issue.record("there is no user")
      return
    }
    #expect(account.credit.value == 90 && account.spent.value == 10 && account.spentWithoutOrder.value == 7)
    shop.close()
    // Whoever takes over goes on from there.
    let next = try HandDrivenShop(path: fixture.path, run: 8, limits: RemovalFixture.limits)
    try next.sweep([fixture.paid])
    try next.checkpoint()
    next.close()
    try fixture.expectSound(orders: 0)
  }

  @Test func isSoundBehindATrimmedLog() throws {
    let shop = try fixture.shop(trims: true)
    fixture.passADay(shop)
    try shop.sweep([fixture.paid, fixture.open])
    try shop.checkpoint()
    try shop.trim()
    shop.close()
    try fixture.expectSound(orders: 0)
    #expect(try FolderAudit.run(path: fixture.path).partitionsTrimmed == 3)
  }

  /// The message is in the store, or caused by the log's tail: an audit delivers it.
  @Test(arguments: [false, true]) func isSoundWhileAPaymentIsNotForgottenYet(isCheckpointed: Bool) throws {
    let shop = try fixture.shop()
    try shop.checkpoint()
    fixture.passADay(shop)
    shop.deaf = [fixture.payments]
    try shop.sweep([fixture.paid, fixture.open])
    if isCheckpointed { try shop.checkpoint() }
    shop.close()
    #expect(
      try SQLiteStoreReader(path: fixture.path).entity(.payment(fixture.user, fixture.paid), of: fixture.payments)
        != nil)
    try fixture.expectSound(orders: 0)
  }
}
