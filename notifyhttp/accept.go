package notifyhttp

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// accepts tells whether the client takes a media type (RFC 9110, 12.5.1): of the
// ranges that it falls into, the closest decides. Whoever names none, or nothing
// that can be read, takes everything.
func accepts(r *http.Request, media string) bool {
	kind, _, _ := strings.Cut(media, "/")
	closeness := map[string]int{"*": 1, "*/*": 1, kind + "/*": 2, media: 3}
	takes, closest, named := false, 0, false
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		name, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		named = true
		if closeness[name] > closest {
			quality, err := strconv.ParseFloat(parameters["q"], 64)
			takes, closest = err != nil || quality > 0, closeness[name]
		}
	}
	return takes || !named
}
