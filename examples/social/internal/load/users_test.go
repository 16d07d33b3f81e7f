package load

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func writeTrace(t *testing.T, keys ...uint32) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, k := range keys {
		if err := binary.Write(z, binary.LittleEndian, k); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trace.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTrace(t *testing.T) {
	path := writeTrace(t, 900, 7, 900, 4_000_000_000, 7, 7)
	u, err := Trace(path, 6)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{1, 2, 1, 3, 2, 2}; !slices.Equal(u.IDs, want) {
		t.Errorf("users are %v, want %v", u.IDs, want)
	}
	if want := []int64{2, 1}; !slices.Equal(u.Hottest(2), want) {
		t.Errorf("the hottest are %v, want %v", u.Hottest(2), want)
	}
	if got := u.Hottest(10); len(got) != 3 {
		t.Errorf("the ten hottest of three are %v", got)
	}
}

func TestTraceRefused(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("no gzip here"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		writeTrace(t, 1, 2, 3): "has 3 requests, 4 are wanted",
		writeTrace(t):          "has 0 requests, 4 are wanted",
		plain:                  "plain: gzip",
		"nowhere.gz":           "nowhere.gz",
	} {
		if _, err := Trace(path, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Trace(%q) says %v, want %q", path, err, want)
		}
	}
}

func TestZipf(t *testing.T) {
	u := Zipf(20_000, 1000, 1)
	if !slices.Equal(u.IDs, Zipf(20_000, 1000, 1).IDs) {
		t.Error("the same seed gives another order")
	}
	if slices.Min(u.IDs) != 1 || slices.Max(u.IDs) > 1000 {
		t.Errorf("ids are from %d to %d", slices.Min(u.IDs), slices.Max(u.IDs))
	}
	hot := u.Hottest(100)
	n := 0
	for _, id := range u.IDs {
		if slices.Contains(hot, id) {
			n++
		}
	}
	if share := float64(n) / float64(len(u.IDs)); share < 0.4 || share > 0.8 {
		t.Errorf("the hottest tenth makes %.2f of the requests: no zipf order", share)
	}
}
