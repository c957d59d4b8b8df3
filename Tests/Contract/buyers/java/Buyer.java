import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Objects;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.OrdersApi;
import org.openapitools.client.api.PaymentApi;
import org.openapitools.client.api.StockApi;

/** One purchase, with nothing but what was generated: {@code java Buyer URL PREFIX-OF-KEYS}. */
public class Buyer {
  interface Call {
    Object make() throws ApiException;
  }

  static void same(Object expected, Object got) {
    if (!Objects.equals(expected, got)) throw new AssertionError("expected " + expected + ", got " + got);
  }

  /** The problem that a call is refused with. */
  static JsonNode refused(int status, Call call) throws Exception {
    try {
      throw new AssertionError("not refused: " + call.make());
    } catch (ApiException refusal) {
      same(status, refusal.getCode());
      same("application/problem+json", refusal.getResponseHeaders().firstValue("content-type").orElse(""));
      return new ObjectMapper().readTree(refusal.getResponseBody());
    }
  }

  public static void main(String[] words) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(words[0]);
    String key = words[1];
    PaymentApi payment = new PaymentApi(client);
    StockApi stock = new StockApi(client);
    OrdersApi orders = new OrdersApi(client);

    String user = payment.createUser(null, key + "-user").getUserId();
    same(user, payment.createUser(null, key + "-user").getUserId());
    payment.addFunds(user, 100L, null, null);
    String item = stock.createItem(7L, null, null).getItemId();
    stock.addStock(item, 3L, null, null);
    String order = orders.createOrder(user, null, null).getOrderId();
    same(7L, orders.addItem(order, item, null, null).getTotalCost());
    same(14L, orders.addItemQuantity(order, item, 1L, null, null).getTotalCost());
    payment.pay(user, 6L, null, null);
    orders.checkout(order, null, key + "-checkout");
    same(true, orders.findOrder(order, null).getPaid());
    same(List.of(List.of(item, 2)), orders.findOrder(order, null).getItems());
    same(2L, orders.findOrderItems(order, null).getItems().get(0).getQuantity());
    same(1L, stock.findItem(item, null).getStock());
    same(80L, payment.findUser(user, null).getCredit());

    JsonNode paid = refused(409, () -> orders.addItem(order, item, null, null));
    same("order_paid", paid.get("code").asText());
    same(order, paid.get("order_id").asText());
    same("not_enough_credit", refused(409, () -> payment.pay(user, 81L, null, null)).get("code").asText());
    same("unknown_item", refused(404, () -> stock.findItem("nobody", null)).get("code").asText());
    System.out.println("bought");
  }
}
