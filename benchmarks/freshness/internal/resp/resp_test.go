package resp_test

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/resp"
	"github.com/stretchr/testify/require"
)

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		in    string
		kind  byte
		first string
	}{
		{"+OK\r\n", '+', "OK"},
		{"-ERR no\r\n", '-', ""},
		{":12\r\n", ':', ""},
		{"$5\r\nhello\r\n", '$', "hello"},
		{"$7\r\na\r\nb\r\nc\r\n", '$', "a\r\nb\r\nc"},
		{"$-1\r\n", '$', ""},
		{"*-1\r\n", '*', ""},
		{"*0\r\n", '*', ""},
		{"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nlink\r\n", '*', "SUBSCRIBE"},
		{">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\n\r\n\n\r\n", '>', "message"},
		{"*2\r\n*1\r\n$1\r\na\r\n$1\r\nb\r\n", '*', ""},
		{"%1\r\n+server\r\n*1\r\n:1\r\n", '%', "server"},
		{"|1\r\n+k\r\n+v\r\n:1\r\n", '|', "k"},
		{"_\r\n", '_', ""}, {"#t\r\n", '#', ""}, {",1.5\r\n", ',', ""}, {"(123\r\n", '(', ""},
		{"=5\r\ntxt:a\r\n", '=', "txt:a"}, {"!3\r\nERR\r\n", '!', "ERR"}, {"~1\r\n:1\r\n", '~', ""},
		{"+" + strings.Repeat("x", 100_000) + "\r\n", '+', strings.Repeat("x", 100_000)},
	} {
		in := c.in + "+next\r\n"
		r := bufio.NewReader(iotest(in))
		f, err := resp.Read(r, nil)
		require.NoError(t, err, "%.60q", c.in)
		require.Equal(t, c.in, string(f.Raw))
		require.Equal(t, c.kind, f.Kind, "%.60q", c.in)
		require.Equal(t, c.first, f.First, "%.60q", c.in)
		f, err = resp.Read(r, f.Raw[:0])
		require.NoError(t, err)
		require.Equal(t, "+next\r\n", string(f.Raw))
		_, err = resp.Read(r, nil)
		require.ErrorIs(t, err, io.EOF)
	}
}

// iotest gives a reader that returns few bytes at once.
func iotest(s string) io.Reader { return &slow{[]byte(s)} }

type slow struct{ b []byte }

func (s *slow) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(3, len(s.b))])
	s.b = s.b[n:]
	return n, nil
}

func TestMalformedFrames(t *testing.T) {
	for _, in := range []string{"?\r\n", "+OK\n", "\r\n", "$x\r\n", "$-2\r\n", "$99999999999\r\n", "*1\r\n", "$5\r\nab", strings.Repeat("*1\r\n", 100)} {
		_, err := resp.Read(bufio.NewReader(strings.NewReader(in)), nil)
		require.Error(t, err, "%q", in)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nlink\r\n"))
	f.Add([]byte("%1\r\n+a\r\n|1\r\n+b\r\n+c\r\n:1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Contains(b, []byte("$4")) || bytes.Contains(b, []byte("$5")) {
			return // sizes that would only take memory
		}
		frame, err := resp.Read(bufio.NewReader(bytes.NewReader(b)), nil)
		if err == nil && !bytes.HasPrefix(b, frame.Raw) {
			t.Fatalf("%q was passed on as %q", b, frame.Raw)
		}
	})
}
