package jeton

import (
	"encoding/json"
	"fmt"
	"time"
)

// Value is a token as one consistent piece. It prints and marshals without the secret; Reveal and Header give it. Copies
// share the content, which never changes. (Go cannot wipe a string: the secret stays in memory until it is collected.)
type Value struct {
	// In an unexported field fmt may not call Format. It follows one pointer to a struct then (%s), not two.
	content **content
	flags   uint32
}

type content struct {
	value, kind, origin string
	generation          uint64
	issuedAt, expiresAt time.Time
	attributes          map[string]string
	previous            Previous
	key                 viewKey
	self                *content // for Value
}

// Previous is the token before this one, which is acceptable until AcceptUntil.
type Previous struct {
	secret      *string
	Generation  uint64
	AcceptUntil time.Time
}

// Reveal gives the secret.
func (p Previous) Reveal() string {
	if p.secret == nil {
		return ""
	}
	return *p.secret
}

func (v Value) get() *content {
	if v.content == nil {
		return &content{}
	}
	return *v.content
}

// Reveal gives the secret.
func (v Value) Reveal() string { return v.get().value }

// Header is what an Authorization header says: the type, "Bearer" if the provider names none, and the secret.
func (v Value) Header() string {
	if v.Type() == "" {
		return "Bearer " + v.Reveal()
	}
	return v.Type() + " " + v.Reveal()
}

// Type is as the provider names it, "Bearer"; may be empty.
func (v Value) Type() string { return v.get().kind }

// Generation rises from token to token; 0: the zero Value.
func (v Value) Generation() uint64 { return v.get().generation }

// IssuedAt is when the token was fetched.
func (v Value) IssuedAt() time.Time { return v.get().issuedAt }

// ExpiresAt is when it ends.
func (v Value) ExpiresAt() time.Time { return v.get().expiresAt }

// Expired is false unless the Token was opened with AllowExpired. It says what was true when the value was read.
func (v Value) Expired() bool { return v.flags&flagExpired != 0 }

// Rejected reports that a user of the token was refused by the provider; the agent sees to a new one.
func (v Value) Rejected() bool { return v.flags&flagRejected != 0 }

// Origin is the host that fetched it.
func (v Value) Origin() string { return v.get().origin }

// Attribute gives what the configuration kept of the provider's answer under this name.
func (v Value) Attribute(name string) (string, bool) {
	value, ok := v.get().attributes[name]
	return value, ok
}

// Attributes is a new map of all of them.
func (v Value) Attributes() map[string]string {
	all := make(map[string]string, len(v.get().attributes))
	for name, value := range v.get().attributes {
		all[name] = value
	}
	return all
}

// Previous is the token before this one, if it may still be acceptable.
func (v Value) Previous() (Previous, bool) {
	return v.get().previous, v.get().previous.Generation != 0
}

// String describes the token without the secret.
func (v Value) String() string {
	return fmt.Sprintf("token(generation %d, expires %s, value hidden)", v.Generation(), v.ExpiresAt().UTC().Format(time.RFC3339))
}

// GoString is String.
func (v Value) GoString() string { return v.String() }

// Format writes String, whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// MarshalJSON describes the token without the secret and without its attributes.
func (v Value) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Generation  uint64 `json:"generation"`
		Type        string `json:"type"`
		IssuedAtMs  int64  `json:"issued_at_ms"`
		ExpiresAtMs int64  `json:"expires_at_ms"`
	}{v.Generation(), v.Type(), v.IssuedAt().UnixMilli(), v.ExpiresAt().UnixMilli()})
}
