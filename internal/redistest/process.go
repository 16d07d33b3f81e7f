//go:build unix

package redistest

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Ports below those that systems take for outgoing connections, so that none takes the port of a server that is down.
const (
	firstPort = 20000
	lastPort  = 32000
)

// given are the ports that this process has given to servers: none gets another's.
var given sync.Map

func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + rand.N(lastPort-firstPort)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("redistest: no free port")
	return 0
}

// showLog shows the end of the log of a test that failed.
func (s *Server) showLog() {
	if !s.t.Failed() {
		return
	}
	const end = 1000
	log, _ := os.ReadFile(s.log)
	s.t.Logf("the log of %s:\n%s", s.Addr(), log[max(0, len(log)-end):])
}

// Info is a field of the server's INFO replication: "" if it does not answer.
func (s *Server) Info(field string) string {
	rdb := s.client()
	defer func() { _ = rdb.Close() }()
	for line := range strings.Lines(rdb.Info(context.Background(), "replication").Val()) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			return v
		}
	}
	return ""
}
