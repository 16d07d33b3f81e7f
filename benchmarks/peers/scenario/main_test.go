package scenario

import (
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

func TestMain(m *testing.M) {
	logging.Disable() // of connections refused, by a Redis that is meant to be gone
	if lab.IsNode() {
		if err := RunNode(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
