package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// login returns what to send as Authorization.
func login(t *testing.T, url string) string {
	t.Helper()
	status, answer := call(t, "POST", url+"/login", "", `{"user":1,"password":"`+password+`"}`)
	require.Equal(t, http.StatusOK, status, answer)
	var v struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(answer), &v))
	return "Bearer " + v.Token
}

// TestSessions: a token is good from its login until its logout or the next login, and no cache makes it last longer.
func TestSessions(t *testing.T) {
	db := database(t)
	for name, data := range map[string]service.Data{"plain": service.Plain{DB: db}, "cached": cached(t, db)} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, data)
			auth := func(token string, want int) {
				t.Helper()
				for range 2 { // the second from the cache
					status, answer := call(t, "GET", url+"/auth", token, "")
					require.Equal(t, want, status, answer)
				}
			}
			first := login(t, url)
			auth(first, 200)
			second := login(t, url)
			require.NotEqual(t, first, second)
			auth(first, 401)
			auth(second, 200)

			status, _ := call(t, "POST", url+"/logout", first, "")
			require.Equal(t, 401, status, "an old token ends no new session")
			auth(second, 200)

			status, answer := call(t, "POST", url+"/logout", second, "")
			require.Equal(t, 204, status, answer)
			auth(second, 401)
			status, _ = call(t, "POST", url+"/rename", second, `{"user":1,"name":"Eve"}`)
			require.Equal(t, 401, status)
			status, _ = call(t, "POST", url+"/logout", second, "")
			require.Equal(t, 401, status)
			auth(login(t, url), 200)
		})
	}
}

// TestClosedDoor: without a password nobody logs in, with none either.
func TestClosedDoor(t *testing.T) {
	h := service.Handler(service.Plain{DB: database(t)}, "", slog.New(slog.DiscardHandler))
	for _, body := range []string{`{"user":1}`, `{"user":1,"password":""}`} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/login", strings.NewReader(body)))
		require.Equal(t, 401, w.Code)
	}
}

// broken is a service whose database is away, and shows all it was asked.
type broken struct{ service.Plain }

func (broken) Admit(context.Context, int64, string) error { return nil }

func (broken) Authenticate(ctx context.Context, _ int64, _ string) (service.Account, error) {
	return service.Account{}, errors.Join(errors.New("away"), ctx.Err())
}

func (broken) Login(context.Context, int64) (string, error) { return "", errors.New("away") }

func (broken) Logout(context.Context, int64, string) error { return errors.New("away") }

func (broken) Rename(ctx context.Context, _ int64, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestNoSecretIsLogged: what is logged of a request that failed tells nobody how to make one.
func TestNoSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := service.Handler(broken{}, password, slog.New(slog.NewTextHandler(&log, nil)))
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/auth", nil),
		httptest.NewRequest("POST", "/login", strings.NewReader(`{"user":1,"password":"`+password+`"}`)),
		httptest.NewRequest("POST", "/logout", nil),
	} {
		r.Header.Set("Authorization", "Bearer 1.hush")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, 500, w.Code, r.URL.Path)
		require.Contains(t, log.String(), r.URL.Path)
	}
	require.NotContains(t, log.String(), "hush")
	require.NotContains(t, log.String(), password)
}

// TestTimeout: a read that takes too long may be tried again; of a write nobody knows whether it was done.
func TestTimeout(t *testing.T) {
	h := service.Handler(broken{}, "", slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer 1.x")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := ask("GET", "/auth", "")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	w = ask("POST", "/rename", `{"user":1,"name":"x"}`)
	require.Equal(t, 504, w.Code)
	require.Empty(t, w.Header().Get("Retry-After"))
}
