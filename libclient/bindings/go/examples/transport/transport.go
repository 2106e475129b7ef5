// Package transport is an http.RoundTripper that sends a token with every request. A 401 is reported to the agent, and
// the request sent once more with the token that the fleet fetched for it.
package transport

import (
	"context"
	"io"
	"net/http"
	"time"

	"jeton"
)

// Transport is for any number of goroutines.
type Transport struct {
	Token *jeton.Token
	Base  http.RoundTripper // nil: http.DefaultTransport
	Wait  time.Duration     // for a token after a 401; 0: five seconds
}

// RoundTrip leaves `request` as it is: it sends clones.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	value, err := t.Token.Read()
	if err != nil {
		closeBody(request)
		return nil, err
	}
	response, err := t.send(request, request.Body, value)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	newer, ok := t.replace(request.Context(), value.Generation())
	if !ok {
		return response, nil // the 401 is the answer
	}
	body := request.Body
	if body != nil && body != http.NoBody {
		if request.GetBody == nil {
			return response, nil // was read; cannot be sent twice
		}
		if body, err = request.GetBody(); err != nil {
			return response, nil
		}
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	response.Body.Close()
	return t.send(request, body, newer)
}

func (t *Transport) replace(ctx context.Context, generation uint64) (jeton.Value, bool) {
	if _, err := t.Token.Rejected(generation); err != nil {
		return jeton.Value{}, false
	}
	wait := t.Wait
	if wait == 0 {
		wait = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if _, err := t.Token.WaitChange(ctx, generation); err != nil {
		return jeton.Value{}, false
	}
	value, err := t.Token.Read()
	return value, err == nil
}

func (t *Transport) send(request *http.Request, body io.ReadCloser, value jeton.Value) (*http.Response, error) {
	clone := request.Clone(request.Context())
	clone.Body = body
	clone.Header.Set("Authorization", value.Header())
	if t.Base == nil {
		return http.DefaultTransport.RoundTrip(clone)
	}
	return t.Base.RoundTrip(clone)
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		request.Body.Close()
	}
}
