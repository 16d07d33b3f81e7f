package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// server answers requests from Data.
type server struct {
	data     Data
	password []byte // hashed; nil: none
	log      *slog.Logger
}

// Handler serves data over HTTP. The password is that of every user, for this is a demonstration; if it is empty, nobody
// can log in, but for those who are. Requests end with their contexts: see package capacity.
func Handler(data Data, password string, log *slog.Logger) http.Handler {
	s := &server{data: data, log: log}
	if password != "" {
		s.password = origin.HashSecret(password)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feed/{user}", s.feed)
	mux.HandleFunc("GET /auth", s.auth)
	mux.HandleFunc("GET /posts/{id}", s.post)
	mux.HandleFunc("GET /health", s.health)
	mux.Handle("GET /cache/stats", data.Page())
	mux.HandleFunc("GET /cache/loads", s.loads)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
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

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	h, err := s.data.Health(r.Context())
	s.answer(w, r, h, err)
}

// loads tells why each load was needed.
func (s *server) loads(w http.ResponseWriter, r *http.Request) {
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

// change reads a command, which must be about the user whose token comes with it.
func (s *server) change(w http.ResponseWriter, r *http.Request, do func(context.Context, command) (any, error)) {
	user, secret, err := bearer(r)
	if err == nil {
		err = s.data.Admit(r.Context(), user, secret)
	}
	var c command
	if err == nil {
		err = read(w, r, &c)
	}
	if err == nil && c.User != user {
		err = badRequest("user: must be the one whose token it is")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := persist(r.Context())
	defer cancel()
	v, err := do(ctx, c)
	s.answer(w, r, v, err)
}

// persist lets a write that was begun go on when the one who asked for it goes away, but no longer than it may take.
func persist(ctx context.Context) (context.Context, context.CancelFunc) {
	persistent := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(persistent, end)
	}
	return persistent, func() {}
}

// read decodes the body, which holds one object and nothing that is not known.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	body.DisallowUnknownFields()
	if err := body.Decode(into); err != nil {
		return badRequest("body: " + err.Error())
	}
	return nil
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
	case errors.Is(err, ErrPassword):
		status, text = http.StatusUnauthorized, ErrPassword.Error()
	case errors.Is(err, ErrNotFound):
		status, text = http.StatusNotFound, ErrNotFound.Error()
	case errors.Is(r.Context().Err(), context.DeadlineExceeded) && r.Method == http.MethodGet:
		capacity.Refuse(w)
		return
	case errors.Is(r.Context().Err(), context.DeadlineExceeded):
		status, text = http.StatusGatewayTimeout, "took too long, and may or may not have been done"
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
