package breaker_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/freshet-go/freshet/breaker"
)

func Example() {
	b, err := breaker.New(breaker.Options{
		Consecutive: 2,
		OnChange:    func(from, to breaker.State) { fmt.Println(from, "->", to) },
	})
	if err != nil {
		log.Fatal(err)
	}
	refused := errors.New("connection refused")
	for range 3 {
		err := b.Do(func() error { return refused }, nil)
		fmt.Println(err)
	}
	// Output:
	// connection refused
	// closed -> open
	// connection refused
	// breaker: open: the service is failing, use a fallback or try again later
}

func ExampleBreaker_Do() {
	notFound := errors.New("not found")
	isFailure := func(err error) bool { return !errors.Is(err, notFound) }

	b, _ := breaker.New(breaker.Options{Consecutive: 1})
	fmt.Println(b.Do(func() error { return notFound }, isFailure), b.State())
	fmt.Println(b.Do(func() error { return errors.New("broken pipe") }, isFailure), b.State())
	// Output:
	// not found closed
	// broken pipe open
}

func ExampleBreaker_Allow() {
	b, _ := breaker.New(breaker.Options{})
	permit, err := b.Allow()
	if err != nil {
		return // use a fallback
	}
	defer permit.Cancel() // does nothing once another report was made

	fmt.Println("asking the service")
	permit.Success()
	// Output: asking the service
}

// A nil breaker is closed for good.
func ExampleBreaker_State() {
	var none *breaker.Breaker
	fmt.Println(none.State())
	// Output: closed
}

func ExampleNew() {
	_, err := breaker.New(breaker.Options{FailureRate: 50, Probes: -1})
	fmt.Println(err)
	// Output:
	// breaker: Options.FailureRate is 50: must be above 0 and at most 1 (0 means 0.5)
	// breaker: Options.Probes is -1: must not be negative (0 means 1)
}
