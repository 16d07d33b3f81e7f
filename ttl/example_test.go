package ttl_test

import (
	"fmt"
	"time"

	"github.com/freshet-go/freshet/ttl"
)

func Example() {
	p := ttl.Fixed(5 * time.Minute).
		StaleWhileRevalidate(30 * time.Second).
		StaleIfError(time.Hour)

	l := p.Lifetime("any value")
	fmt.Println("fresh for", l.Fresh)
	fmt.Println("served while revalidating for", l.Stale)
	fmt.Println("served if a load fails for", l.Keep)
	fmt.Println("absence kept for", p.NegativeLifetime().Fresh)
	// Output:
	// fresh for 5m0s
	// served while revalidating for 5m30s
	// served if a load fails for 1h5m0s
	// absence kept for 30s
}

func ExampleFromValue() {
	type Token struct {
		Secret string
		Left   time.Duration
	}
	p := ttl.FromValue(func(t Token) time.Duration { return t.Left }).AtMost(time.Hour)

	fmt.Println(p.Lifetime(Token{Left: 90 * time.Second}).Fresh)
	fmt.Println(p.Lifetime(&Token{Left: 24 * time.Hour}).Fresh)
	fmt.Println(p.Lifetime(Token{Left: -time.Second}).IsZero())
	// Output:
	// 1m30s
	// 1h0m0s
	// true
}

func ExamplePolicy_String() {
	fmt.Println(ttl.Fixed(5 * time.Minute).Jitter(0.1).StaleIfError(time.Hour))
	fmt.Println(ttl.Fixed(250 * time.Millisecond).Negative(0).EarlyRefresh(1))
	fmt.Println(ttl.FromValue(time.Until).AtMost(90 * time.Minute))
	fmt.Println(ttl.Policy{})
	// Output:
	// 5m jitter 10% stale-if-error 1h
	// 250ms negative off early-refresh 1
	// from time.Time at most 1h30m
	// none
}

func ExamplePolicy_Validate() {
	fmt.Println(ttl.Fixed(-time.Second).Jitter(1.5).Validate())
	// Output:
	// ttl: Fixed(-1s): must be positive
	// ttl: Jitter(1.5): must be at least 0 and below 1
}

// What does not exist is remembered, too, for half a minute unless the policy says otherwise.
func ExamplePolicy_Negative() {
	fmt.Println(ttl.Fixed(5 * time.Minute).NegativeLifetime().Fresh)
	fmt.Println(ttl.Fixed(5 * time.Minute).Negative(time.Second).NegativeLifetime().Fresh)
	fmt.Println(ttl.Fixed(5 * time.Minute).Negative(0).NegativeLifetime().IsZero()) // not at all
	// Output:
	// 30s
	// 1s
	// true
}

// The dearer a load was, the earlier somebody renews its result before it expires; everybody else gets the old one.
func ExamplePolicy_RefreshEarly() {
	p := ttl.Fixed(5 * time.Minute).EarlyRefresh(1)
	fmt.Println(p.RefreshEarly(4*time.Minute, 10*time.Millisecond))
	fmt.Println(p.RefreshEarly(time.Microsecond, 10*time.Second))
	// Output:
	// false
	// true
}

func ExamplePolicy_Hydrate() {
	p := ttl.Fixed(5 * time.Minute)
	left := 40 * time.Second // what the value has left in Redis
	fmt.Println(p.Hydrate(left))
	// Output: 40s
}

func ExampleTable() {
	table := ttl.Table{
		"users":         ttl.Fixed(300 * time.Second),
		"notifications": ttl.Fixed(30 * time.Second),
		"typo":          ttl.Fixed(0),
	}
	p, ok := table.For("users")
	fmt.Println(p, ok)
	fmt.Println(table.Validate())
	// Output:
	// 5m true
	// ttl: table: "typo": Fixed(0s): must be positive
}
