package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// server answers requests from Data.
type server struct {
	data Data
	log  *slog.Logger
}

// Handler serves data over HTTP.
func Handler(data Data, log *slog.Logger) http.Handler {
	s := &server{data, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feed/{user}", s.feed)
	mux.HandleFunc("GET /auth", s.auth)
	mux.HandleFunc("GET /posts/{id}", s.post)
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /cache/stats", s.stats)
	mux.HandleFunc("POST /post", s.addPost)
	mux.HandleFunc("POST /follow", s.follow)
	mux.HandleFunc("POST /unfollow", s.unfollow)
	mux.HandleFunc("POST /rename", s.rename)
	return mux
}

func (s *server) feed(w http.ResponseWriter, r *http.Request) {
	user, err := positive("user", r.PathValue("user"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	feed, err := s.data.Feed(r.Context(), user)
	s.answer(w, r, feed, err)
}

func (s *server) post(w http.ResponseWriter, r *http.Request) {
	id, err := positive("id", r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	article, err := s.data.Post(r.Context(), id)
	s.answer(w, r, article, err)
}

// auth wants "Authorization: Bearer user.secret".
func (s *server) auth(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, secret, _ := strings.Cut(token, ".")
	user, err := positive("user", id)
	if err != nil || !strings.EqualFold(scheme, "Bearer") || secret == "" {
		s.fail(w, r, ErrToken)
		return
	}
	account, err := s.data.Authenticate(r.Context(), user, secret)
	s.answer(w, r, account, err)
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	h, err := s.data.Health(r.Context())
	s.answer(w, r, h, err)
}

func (s *server) stats(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, s.data.Stats().view(), nil)
}

// command is the body of a write. Each write takes some of its fields.
type command struct {
	User     int64  `json:"user"`
	Followee int64  `json:"followee,omitempty"`
	Text     string `json:"text,omitempty"`
	Name     string `json:"name,omitempty"`
}

func (s *server) addPost(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(ctx context.Context, c command) (any, error) {
		if c.Text == "" {
			return nil, badRequest("text: must not be empty")
		}
		return s.data.AddPost(ctx, c.User, c.Text)
	})
}

func (s *server) follow(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(ctx context.Context, c command) (any, error) {
		if c.Followee < 1 || c.Followee == c.User {
			return nil, badRequest("followee: must be another user's id")
		}
		return c, s.data.Follow(ctx, c.User, c.Followee)
	})
}

func (s *server) unfollow(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(ctx context.Context, c command) (any, error) {
		return c, s.data.Unfollow(ctx, c.User, c.Followee)
	})
}

func (s *server) rename(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(ctx context.Context, c command) (any, error) {
		if c.Name == "" {
			return nil, badRequest("name: must not be empty")
		}
		return c, s.data.Rename(ctx, c.User, c.Name)
	})
}

// change reads a command. A write that was begun is finished, even if the one who asked for it goes away.
func (s *server) change(w http.ResponseWriter, r *http.Request, do func(context.Context, command) (any, error)) {
	var c command
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	body.DisallowUnknownFields()
	if err := body.Decode(&c); err != nil {
		s.fail(w, r, badRequest("body: "+err.Error()))
		return
	}
	if c.User < 1 {
		s.fail(w, r, badRequest("user: must be a positive number"))
		return
	}
	v, err := do(context.WithoutCancel(r.Context()), c)
	s.answer(w, r, v, err)
}

// badRequest says what is wrong with a request.
type badRequest string

func (b badRequest) Error() string { return string(b) }

func positive(name, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, badRequest(fmt.Sprintf("%s: must be a positive number", name))
	}
	return n, nil
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.write(w, http.StatusOK, v)
}

// fail tells the caller what was wrong with the request, and nothing of what is wrong with the service.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad badRequest
	status, text := http.StatusInternalServerError, "internal error"
	switch {
	case errors.As(err, &bad):
		status, text = http.StatusBadRequest, bad.Error()
	case errors.Is(err, ErrToken):
		w.Header().Set("WWW-Authenticate", "Bearer")
		status, text = http.StatusUnauthorized, ErrToken.Error()
	case errors.Is(err, ErrNotFound):
		status, text = http.StatusNotFound, ErrNotFound.Error()
	case r.Context().Err() != nil:
		return // nobody listens
	default:
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	s.write(w, status, map[string]string{"error": text})
}

func (s *server) write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.log.Error("encode", "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
