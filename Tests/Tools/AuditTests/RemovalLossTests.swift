import Audit
import Model
import Testing

/// What was lost in a folder is found, whatever sweeps removed.
@Suite struct RemovalLossTests {
  private let fixture: RemovalFixture

  init() throws { fixture = try RemovalFixture() }

  /// The checkpoint says what its rows add up to, and it counts what sweeps removed.
  @Test func findsAnOrderThatNoSweepRemoved() throws {
    let shop = try fixture.shop()
    try shop.checkpoint()
    fixture.passADay(shop)
    try shop.sweep([fixture.open])
    try shop.checkpoint()
    shop.close()
    try fixture.expectSound(orders: 1)
    try fixture.lose(.order(fixture.paid), of: fixture.orders)
    let report = try FolderAudit.run(path: fixture.path)
    #expect(report.findings.contains { $0.hasPrefix("orders-0: its checkpoint left 1 orders") }, "\(report.findings)")
  }

  /// A payment that was lost before its order was removed is never forgotten: nobody can count it. That shows even when
  /// all later checkpoints add up.
  @Test func findsAPaymentThatWasLostBeforeItsOrderWasRemoved() throws {
    let first = try fixture.shop()
    try first.checkpoint()
    first.close()
    try fixture.lose(.payment(fixture.user, fixture.paid), of: fixture.payments)
    let second = try HandDrivenShop(path: fixture.path, run: 8, limits: RemovalFixture.limits)
    second.time = first.time
    fixture.passADay(second)
    try second.sweep([fixture.paid])
    try second.checkpoint()
    second.close()
    let report = try FolderAudit.run(path: fixture.path)
    #expect(
      report.findings.contains("removed orders: paid ones at orders, forgotten payments: 1 and 0"),
      "\(report.findings)")
    #expect(
      report.findings.contains("money of removed orders: at orders, at payments: 3 and 0"), "\(report.findings)"
    )
  }
}
