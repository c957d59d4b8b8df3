// One purchase, with nothing but what was generated: node buyer.js URL PREFIX-OF-KEYS.
import { Configuration, OrdersApi, PaymentApi, ProblemFromJSON, ResponseError, StockApi } from "./index";
import type { Problem } from "./index";

// Of Node, whose types are no part of the compiler.
declare const process: { argv: string[]; exitCode: number };

function same(expected: unknown, got: unknown): void {
  const [one, other] = [JSON.stringify(expected), JSON.stringify(got)];
  if (one !== other) throw new Error(`expected ${one}, got ${other}`);
}

/** The problem that a call is refused with. */
async function refused(status: number, call: Promise<unknown>): Promise<Problem> {
  try {
    throw new Error(`not refused: ${JSON.stringify(await call)}`);
  } catch (refusal) {
    if (!(refusal instanceof ResponseError)) throw refusal;
    same(status, refusal.response.status);
    same("application/problem+json", refusal.response.headers.get("content-type"));
    return ProblemFromJSON(await refusal.response.json());
  }
}

async function buy(basePath: string, key: string): Promise<void> {
  const to = new Configuration({ basePath });
  const [payment, stock, orders] = [new PaymentApi(to), new StockApi(to), new OrdersApi(to)];
  const { userId } = await payment.createUser({ idempotencyKey: `${key}-user` });
  same(userId, (await payment.createUser({ idempotencyKey: `${key}-user` })).userId);
  await payment.addFunds({ userId, amount: 100 });
  const { itemId } = await stock.createItem({ price: 7 });
  await stock.addStock({ itemId, amount: 3 });
  const { orderId } = await orders.createOrder({ userId });
  same(7, (await orders.addItem({ orderId, itemId })).totalCost);
  same(14, (await orders.addItemQuantity({ orderId, itemId, quantity: 1 })).totalCost);
  await payment.pay({ userId, amount: 6 });
  await orders.checkout({ orderId, idempotencyKey: `${key}-checkout` });
  const found = await orders.findOrder({ orderId });
  same([true, [[itemId, 2]]], [found.paid, found.items]);
  same([{ itemId, quantity: 2 }], (await orders.findOrderItems({ orderId })).items);
  same(1, (await stock.findItem({ itemId })).stock);
  same(80, (await payment.findUser({ userId })).credit);

  const paid = await refused(409, orders.addItem({ orderId, itemId }));
  same(["order_paid", orderId], [paid.code, paid.orderId]);
  same("not_enough_credit", (await refused(409, payment.pay({ userId, amount: 81 }))).code);
  same("unknown_item", (await refused(404, stock.findItem({ itemId: "nobody" }))).code);
  console.log("bought");
}

buy(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
