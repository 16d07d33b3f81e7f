package codec_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

// The user and the feed of the table in doc.go.
type benchUser struct {
	ID         int64     `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	Bio        string    `json:"bio"`
	Avatar     string    `json:"avatar"`
	Location   string    `json:"location"`
	Website    string    `json:"website"`
	Followers  int       `json:"followers"`
	Following  int       `json:"following"`
	Posts      int       `json:"posts"`
	Verified   bool      `json:"verified"`
	Roles      []string  `json:"roles"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	Reputation float64   `json:"reputation"`
}

type benchPost struct {
	ID       int64     `json:"id"`
	Author   benchUser `json:"author"`
	Text     string    `json:"text"`
	Likes    int       `json:"likes"`
	Tags     []string  `json:"tags"`
	PostedAt time.Time `json:"posted_at"`
}

func makeUser() benchUser {
	at := time.Date(2026, 11, 1, 8, 30, 0, 123456000, time.UTC)
	return benchUser{
		ID: 42, Email: "ada@example.org", Name: "Ada Lovelace", Bio: "Notes on the analytical engine, with an appendix",
		Avatar: "https://cdn.example.org/avatars/42.png", Location: "London", Website: "https://example.org/~ada",
		Followers: 1815, Following: 36, Posts: 1852, Verified: true, Roles: []string{"author", "editor"},
		CreatedAt: at.AddDate(-3, 0, 0), UpdatedAt: at, Reputation: 97.25,
	}
}

func makeFeed() []benchPost {
	feed := make([]benchPost, 20)
	for i := range feed {
		feed[i] = benchPost{
			ID: int64(i), Author: makeUser(), Text: "Post number " + strconv.Itoa(i) + " says something of the usual length of a post.",
			Likes: i * i, Tags: []string{"go", "cache"}, PostedAt: makeUser().UpdatedAt,
		}
	}
	return feed
}

// stdlib is encoding/json as most caches call it, for comparison.
type stdlib struct{}

func (stdlib) Name() string { return "encoding-json" }
func (stdlib) Append(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(dst, b...), err
}
func (stdlib) Decode(data []byte, v any) error { return json.Unmarshal(data, v) }

// gobs is encoding/gob with a stream per record.
type gobs struct{}

func (gobs) Name() string { return "encoding-gob" }
func (gobs) Append(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	err := gob.NewEncoder(b).Encode(v)
	return b.Bytes(), err
}
func (gobs) Decode(data []byte, v any) error { return gob.NewDecoder(bytes.NewReader(data)).Decode(v) }

// plain is fxamacker/cbor with its own defaults: seconds, and none of this package's checks.
type plain struct{}

func (plain) Name() string { return "cbor-defaults" }
func (plain) Append(dst []byte, v any) ([]byte, error) {
	b, err := cbor.Marshal(v)
	return append(dst, b...), err
}
func (plain) Decode(data []byte, v any) error { return cbor.Unmarshal(data, v) }

func benchmark[V any](b *testing.B, name string, v V) {
	for _, chosen := range []codec.Codec{codec.CBOR, codec.JSON, stdlib{}, gobs{}, plain{}} {
		c, err := codec.For(reflect.TypeFor[V](), chosen)
		if err != nil {
			b.Fatal(err)
		}
		if _, isMap := any(v).(map[string]any); isMap && chosen == (gobs{}) {
			continue // gob needs every type in an any registered
		}
		if chosen == codec.JSON && c.Name() != codec.JSON.Name() {
			continue // the same wrapper as CBOR's
		}
		data, err := c.Append(nil, &v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("value="+name+"/codec="+c.Name()+"/do=append", func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]byte, 0, 2*len(data))
			for b.Loop() {
				if _, err := c.Append(dst, &v); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes")
		})
		b.Run("value="+name+"/codec="+c.Name()+"/do=decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var got V
				if err := c.Decode(data, &got); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCodec(b *testing.B) {
	benchmark(b, "user", makeUser())
	benchmark(b, "feed", makeFeed())
	benchmark(b, "document", map[string]any{
		"id": 42.0, "name": "Ada", "tags": []any{"a", "b"}, "nested": map[string]any{"ok": true, "none": nil},
	})
	benchmark(b, "bytes", make([]byte, 200))
}

func BenchmarkCompress(b *testing.B) {
	feed := makeFeed()
	payload, err := codec.CBOR.Append(nil, &feed)
	if err != nil {
		b.Fatal(err)
	}
	packed := codec.Compress(nil, payload)
	dst := make([]byte, 0, 2*len(payload))
	b.Run("do=compress", func(b *testing.B) {
		for b.Loop() {
			codec.Compress(dst, payload)
		}
		b.ReportMetric(float64(len(packed))/float64(len(payload)), "ratio")
	})
	b.Run("do=decompress", func(b *testing.B) {
		for b.Loop() {
			if _, err := codec.Decompress(dst, packed, len(payload)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
