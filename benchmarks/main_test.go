package benchmarks

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
)

// TestMain says what the numbers depend on, in lines that benchstat takes for configuration.
func TestMain(m *testing.M) {
	flag.Parse()
	logging.Disable() // of connections refused, by a Redis that is meant to be gone
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		fmt.Println("redis:", redisVersion())
		fmt.Println("users: zipf, seed", trace.Seed)
		fmt.Println("traces:", traceNames())
	}
	os.Exit(m.Run())
}
