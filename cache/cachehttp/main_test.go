package cachehttp_test

import (
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	logging.Disable() // the client reports every failed dial
	goleak.VerifyTestMain(m)
}
