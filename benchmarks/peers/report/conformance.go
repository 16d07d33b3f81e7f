package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
)

const conformanceID = "S0"

// conduct is what the checks found of one contender.
type conduct struct {
	name     string
	asked    int
	failed   []string
	surprise []string // failed that were not known, or did not fail that were
}

// conform asks all contenders, each at its own pace.
func conform(ctx context.Context) []conduct {
	all := contender.All[string, []byte]()
	found := make([]conduct, len(all))
	var done sync.WaitGroup
	for i, who := range all {
		done.Go(func() { found[i] = examine(ctx, who) })
	}
	done.Wait()
	return found
}

func examine(ctx context.Context, who contender.Contender[string, []byte]) conduct {
	c := conduct{name: who.Name}
	known, racy := contender.Known(who.Name), contender.Racy(who.Name)
	for _, check := range contender.Checks() {
		if !check.Applies(who.Tiers) {
			continue
		}
		c.asked++
		err := check.Run(ctx, who)
		if err != nil {
			c.failed = append(c.failed, check.Name)
		}
		if (err != nil) != slices.Contains(known, check.Name) && !slices.Contains(racy, check.Name) {
			c.surprise = append(c.surprise, fmt.Sprintf("%s: %s: %v", who.Name, check.Name, err))
		}
	}
	return c
}

func (c conduct) String() string {
	if len(c.failed) == 0 {
		return "all"
	}
	return strings.Join(c.failed, ", ")
}
