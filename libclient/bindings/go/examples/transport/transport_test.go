package transport

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"jeton"
	"jeton/internal/live"
)

func TestMain(m *testing.M) { live.Main(m) }

// An API that refuses everything but the token of a later generation than `refused`, as after a revocation.
func startAPI(t *testing.T, token *jeton.Token, refused uint64, requests *atomic.Int32) *httptest.Server {
	api := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		requests.Add(1)
		current, err := token.Read()
		if err != nil || current.Generation() <= refused || request.Header.Get("Authorization") != current.Header() {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(response, request.Body)
	}))
	t.Cleanup(api.Close)
	return api
}

func post(t *testing.T, client *http.Client, url string, body io.Reader) (int, string) {
	t.Helper()
	response, err := client.Post(url, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func TestA401LeadsToANewTokenAndOneMoreRequest(t *testing.T) {
	token, err := jeton.Open("api")
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	value, err := token.Read()
	if err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int32
	api := startAPI(t, token, value.Generation(), &requests)
	client := &http.Client{Transport: &Transport{Token: token}}

	if status, answer := post(t, client, api.URL, strings.NewReader("hello")); status != 200 || answer != "hello" {
		t.Errorf("%d %q", status, answer)
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests", requests.Load())
	}
	if status, _ := post(t, client, api.URL, strings.NewReader("again")); status != 200 || requests.Load() != 3 {
		t.Errorf("%d after %d requests", status, requests.Load())
	}
}

func TestABodyThatCannotBeSentTwiceGetsThe401(t *testing.T) {
	token, err := jeton.Open("api")
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	var requests atomic.Int32
	api := startAPI(t, token, 1<<62, &requests)
	client := &http.Client{Transport: &Transport{Token: token}}
	if status, _ := post(t, client, api.URL, io.MultiReader(strings.NewReader("once"))); status != 401 || requests.Load() != 1 {
		t.Errorf("%d after %d requests", status, requests.Load())
	}
}
