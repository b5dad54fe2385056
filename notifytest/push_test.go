package notifytest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a sender gets wrong is refused as real services do. That it takes what is
// right is shown in internal/integration/peers, by the library of another.
func TestPush_refusesWhatIsWrong(t *testing.T) {
	p := NewPush(t)
	client := p.server.Client()
	post := func(method, url string, header map[string]string) int {
		request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(make([]byte, 200)))
		require.NoError(t, err)
		for name, value := range header {
			request.Header.Set(name, value)
		}
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	s := p.Subscribe("")
	assert.Equal(t, 404, post("POST", p.URL()+"/push/none", nil))
	assert.Equal(t, 404, post("GET", s.Endpoint, nil))
	assert.Equal(t, 401, post("POST", s.Endpoint, map[string]string{"TTL": "1"}))
	assert.Equal(t, 401, post("POST", s.Endpoint, map[string]string{"TTL": "1", "Authorization": "vapid t=a.b.c, k=AAAA"}))
	assert.Empty(t, p.Accepted())
	assert.Equal(t, 4, p.Requests())
}

func TestPush_knowsTheHeaders(t *testing.T) {
	for topic, want := range map[string]bool{
		"": true, "abc-_09": true, strings.Repeat("a", 32): true, strings.Repeat("a", 33): false, "a b": false, "a=": false, "ü": false,
	} {
		assert.Equal(t, want, goodTopic(topic), topic)
	}
	for urgency, want := range map[string]bool{"": true, "very-low": true, "low": true, "normal": true, "high": true, "urgent": false, "High": false} {
		assert.Equal(t, want, goodUrgency(urgency), urgency)
	}
}
