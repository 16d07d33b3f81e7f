package service

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// bearer reads "Authorization: Bearer user.secret".
func bearer(r *http.Request) (user int64, secret string, err error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, secret, _ := strings.Cut(token, ".")
	if user, err = positive("user", id); err != nil || !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return 0, "", ErrToken
	}
	return user, secret, nil
}

func (s *server) auth(w http.ResponseWriter, r *http.Request) {
	user, secret, err := bearer(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	account, err := s.data.Authenticate(r.Context(), user, secret)
	s.answer(w, r, account, err)
}

// login makes a new session, which ends the user's last one, and answers with its token.
func (s *server) login(w http.ResponseWriter, r *http.Request) {
	var c struct {
		User     int64  `json:"user"`
		Password string `json:"password"`
	}
	if err := read(w, r, &c); err != nil {
		s.fail(w, r, err)
		return
	}
	if s.password == nil || subtle.ConstantTimeCompare(s.password, origin.HashSecret(c.Password)) != 1 {
		s.fail(w, r, ErrPassword)
		return
	}
	ctx, cancel := persist(r.Context())
	defer cancel()
	secret, err := s.data.Login(ctx, c.User)
	w.Header().Set("Cache-Control", "no-store")
	s.answer(w, r, map[string]string{"token": fmt.Sprintf("%d.%s", c.User, secret)}, err)
}

// logout ends the session whose token comes with it. Nobody else can: each one ended empties caches.
func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	user, secret, err := bearer(r)
	if err == nil {
		err = s.data.Admit(r.Context(), user, secret)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := persist(r.Context())
	defer cancel()
	if err := s.data.Logout(ctx, user, secret); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
