// One purchase, with nothing but what was generated: buyer URL PREFIX-OF-KEYS.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	kassa "github.com/example/kassa"
)

func same[T comparable](expected, got T) {
	if expected != got {
		panic(fmt.Sprintf("expected %v, got %v", expected, got))
	}
}

func check(err error) {
	if err != nil {
		var refusal *kassa.GenericOpenAPIError
		if errors.As(err, &refusal) {
			panic(fmt.Sprintf("%v: %s", err, refusal.Body()))
		}
		panic(err)
	}
}

// The problem that a call was refused with.
func refused(err error) kassa.Problem {
	var refusal *kassa.GenericOpenAPIError
	if !errors.As(err, &refusal) {
		panic(fmt.Sprintf("not refused: %v", err))
	}
	problem, isProblem := refusal.Model().(kassa.Problem)
	if !isProblem {
		panic(fmt.Sprintf("no problem: %s", refusal.Body()))
	}
	return problem
}

func main() {
	configuration := kassa.NewConfiguration()
	configuration.Servers = kassa.ServerConfigurations{{URL: os.Args[1]}}
	client := kassa.NewAPIClient(configuration)
	payment, stock, orders := client.PaymentAPI, client.StockAPI, client.OrdersAPI
	background, key := context.Background(), os.Args[2]

	made, _, err := payment.CreateUser(background).IdempotencyKey(key + "-user").Execute()
	check(err)
	again, _, err := payment.CreateUser(background).IdempotencyKey(key + "-user").Execute()
	check(err)
	same(made.UserId, again.UserId)
	user := made.UserId
	_, _, err = payment.AddFunds(background, user, 100).Execute()
	check(err)
	created, _, err := stock.CreateItem(background, 7).Execute()
	check(err)
	item := created.ItemId
	_, _, err = stock.AddStock(background, item, 3).Execute()
	check(err)
	opened, _, err := orders.CreateOrder(background, user).Execute()
	check(err)
	order := opened.OrderId
	changed, _, err := orders.AddItem(background, order, item).Execute()
	check(err)
	same(int64(7), changed.TotalCost)
	changed, _, err = orders.AddItemQuantity(background, order, item, 1).Execute()
	check(err)
	same(int64(14), changed.TotalCost)
	_, _, err = payment.Pay(background, user, 6).Execute()
	check(err)
	_, _, err = orders.Checkout(background, order).IdempotencyKey(key + "-checkout").Execute()
	check(err)

	found, _, err := orders.FindOrder(background, order).Execute()
	check(err)
	same(true, found.Paid)
	same(fmt.Sprint([][]any{{item, 2}}), fmt.Sprint(found.Items))
	named, _, err := orders.FindOrderItems(background, order).Execute()
	check(err)
	same(int64(2), named.Items[0].Quantity)
	left, _, err := stock.FindItem(background, item).Execute()
	check(err)
	same(int64(1), left.Stock)
	account, _, err := payment.FindUser(background, user).Execute()
	check(err)
	same(int64(80), account.Credit)

	_, response, err := orders.AddItem(background, order, item).Execute()
	same(409, response.StatusCode)
	paid := refused(err)
	same("order_paid", paid.Code)
	same(order, paid.GetOrderId())
	_, _, err = payment.Pay(background, user, 81).Execute()
	same("not_enough_credit", refused(err).Code)
	_, response, err = stock.FindItem(background, "nobody").Execute()
	same(404, response.StatusCode)
	same("unknown_item", refused(err).Code)
	fmt.Println("bought")
}
