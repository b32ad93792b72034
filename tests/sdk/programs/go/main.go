// A small program with an unmodified sentry-go. DSN, release and environment come from the SDK's own variables.
//
// usage: shop unhandled|story
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/getsentry/sentry-go"
)

// PaymentDeclined is what the card processor says.
type PaymentDeclined struct {
	status, amount int
	currency       string
}

func (e *PaymentDeclined) Error() string {
	return fmt.Sprintf("card processor answered %d to %d %s", e.status, e.amount, e.currency)
}

type line struct {
	name  string
	price int
}

//go:noinline
func charge(amount int, currency string) {
	panic(&PaymentDeclined{503, amount, currency})
}

//go:noinline
func checkOut(cart []line) {
	total := 0
	for _, line := range cart {
		total += line.price
	}
	sentry.AddBreadcrumb(&sentry.Breadcrumb{Category: "cart", Message: "cart was validated", Level: sentry.LevelInfo})
	charge(total, "EUR")
}

func unhandled() {
	// What the documentation says to do: report, and panic on.
	defer func() {
		if problem := recover(); problem != nil {
			sentry.CurrentHub().Recover(problem)
			sentry.Flush(5 * time.Second)
			panic(problem)
		}
	}()
	checkOut([]line{{"teapot", 40}, {"milk", 2}})
}

type outOfStock struct{ cause error }

func (e *outOfStock) Error() string { return "the kettle is not in stock" }
func (e *outOfStock) Unwrap() error { return e.cause }

func chained() {
	sentry.WithScope(func(scope *sentry.Scope) {
		scope.SetUser(sentry.User{ID: "u-77", Email: "ana@example.test", Username: "ana"})
		scope.SetTag("shop.region", "alps")
		scope.SetContext("cart", sentry.Context{"lines": 2, "coupon": "SPRING"})
		scope.AddBreadcrumb(&sentry.Breadcrumb{Category: "auth", Message: "ana signed in", Level: sentry.LevelInfo}, 100)
		sentry.CaptureException(&outOfStock{errors.New("the shelf is empty")})
	})
}

func grouped() {
	for _, colour := range []string{"red", "blue"} {
		sentry.WithScope(func(scope *sentry.Scope) {
			scope.SetFingerprint([]string{"paint", "used up"})
			sentry.CaptureException(fmt.Errorf("no %s paint is left", colour))
		})
	}
}

func attached() {
	sentry.WithScope(func(scope *sentry.Scope) {
		scope.AddAttachment(&sentry.Attachment{Filename: "invoice.txt", ContentType: "text/plain", Payload: []byte("teapot 40 EUR\n")})
		sentry.CaptureException(errors.New("the invoice was not printed"))
	})
}

func nightly() {
	transaction := sentry.StartTransaction(context.Background(), "nightly report", sentry.WithOpName("task"))
	transaction.StartChild("db", sentry.WithDescription("select the orders")).Finish()
	transaction.Finish()
}

func checkIn() {
	sentry.CaptureCheckIn(&sentry.CheckIn{MonitorSlug: "nightly-report", Status: sentry.CheckInStatusOK, Duration: 3 * time.Second}, nil)
}

func log() {
	sentry.NewLogger(context.Background()).Warn().Int("hours", 14).Emitf("the till is open since %d hours", 14)
}

func story() {
	sentry.WithScope(func(scope *sentry.Scope) {
		scope.SetLevel(sentry.LevelWarning)
		sentry.CaptureMessage("the price list is older than a day")
	})
	chained()
	grouped()
	attached()
	// Twice: the second time the server has answered, and the SDK knows what it keeps.
	for range 2 {
		nightly()
		checkIn()
		log()
		sentry.Flush(10 * time.Second)
	}
	// Reports of what was dropped ride on the next envelope.
	sentry.CaptureMessage("the shop is closed")
	sentry.Flush(10 * time.Second)
}

func main() {
	options := sentry.ClientOptions{EnableTracing: true, TracesSampleRate: 1, AttachStacktrace: true}
	if err := sentry.Init(options); err != nil {
		panic(err)
	}
	if os.Args[1] == "unhandled" {
		unhandled()
	} else {
		story()
	}
}
