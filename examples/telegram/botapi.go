package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"
)

// botAPI is a server in the shape of the Telegram Bot API, with the rules that
// matter here.
type botAPI struct {
	token string
	chats map[string]string // ids, and what is wrong with them: "" is nothing
	out   io.Writer

	mu    sync.Mutex
	moved map[string]int64
}

// ServeHTTP implements http.Handler.
func (b *botAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	status, answer := b.judge(r.URL.Path, body)
	if status == http.StatusOK {
		sent := sentTo(body)
		fmt.Fprintf(b.out, "  to %s: %s\n", sent.ChatID, strings.ReplaceAll(sent.plain(), "\n", "\n    "))
		for _, row := range sent.rows() {
			fmt.Fprintf(b.out, "    [%s] %s\n", row.Text, row.URL)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// judge answers a request as the Bot API would.
func (b *botAPI) judge(path string, body []byte) (status int, answer string) {
	refuse := func(status int, description, parameters string) (int, string) {
		return status, fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%q%s}`, status, description, parameters)
	}
	if path != "/bot"+b.token+"/sendMessage" {
		return refuse(http.StatusUnauthorized, "Unauthorized", "")
	}
	var sent request
	if err := json.Unmarshal(body, &sent); err != nil {
		return refuse(http.StatusBadRequest, "Bad Request: can't parse JSON", "")
	}
	b.mu.Lock()
	moved := b.moved[sent.ChatID]
	b.mu.Unlock()
	if moved != 0 {
		return refuse(http.StatusBadRequest, "Bad Request: group chat was upgraded to a supergroup chat", fmt.Sprintf(`,"parameters":{"migrate_to_chat_id":%d}`, moved))
	}
	trouble, known := b.chats[sent.ChatID]
	switch {
	case !known:
		return refuse(http.StatusBadRequest, "Bad Request: chat not found", "")
	case trouble != "":
		return refuse(http.StatusForbidden, "Forbidden: "+trouble, "")
	case sent.ParseMode != "HTML" || tag.MatchString(bold.ReplaceAllString(sent.Text, "")):
		return refuse(http.StatusBadRequest, "Bad Request: can't parse entities", "")
	case strings.TrimSpace(sent.plain()) == "":
		return refuse(http.StatusBadRequest, "Bad Request: message text is empty", "")
	case len(utf16.Encode([]rune(sent.plain()))) > 4096:
		return refuse(http.StatusBadRequest, "Bad Request: message is too long", "")
	}
	return http.StatusOK, `{"ok":true,"result":{"message_id":1}}`
}

// move makes a group a supergroup with another id.
func (b *botAPI) move(from string, to int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.moved == nil {
		b.moved = map[string]int64{}
	}
	b.moved[from] = to
}

var (
	bold = regexp.MustCompile(`(?s)<b>([^<>]*)</b>`)
	tag  = regexp.MustCompile(`[<>]`)
)

// sentTo reads a body that was accepted.
func sentTo(body []byte) request {
	var sent request
	_ = json.Unmarshal(body, &sent) // judged before
	return sent
}

// plain is the text as a reader sees it.
func (r request) plain() string {
	return html.UnescapeString(bold.ReplaceAllString(r.Text, "$1"))
}

// rows are the buttons.
func (r request) rows() []button {
	var all []button
	if r.ReplyMarkup != nil {
		for _, row := range r.ReplyMarkup.Rows {
			all = append(all, row...)
		}
	}
	return all
}
