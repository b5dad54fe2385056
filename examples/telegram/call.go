package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// request is the body of sendMessage.
type request struct {
	ChatID      string       `json:"chat_id"`
	Text        string       `json:"text"`
	ParseMode   string       `json:"parse_mode"`
	ReplyMarkup *replyMarkup `json:"reply_markup,omitempty"`
}

// replyMarkup are rows of buttons under a message.
type replyMarkup struct {
	Rows [][]button `json:"inline_keyboard"`
}

// answer is what the Bot API says.
type answer struct {
	OK          bool   `json:"ok"`
	Code        int    `json:"error_code"`
	Description string `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`        // seconds
		Migrated   int64 `json:"migrate_to_chat_id"` // 0 is none
	} `json:"parameters"`
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// send writes to the chat of the delivery. A group that has moved was not
// written to, so the message follows it.
func (t *Telegram) send(ctx context.Context, d notify.Delivery, m message) error {
	to, err := t.CheckAddress(d.Address)
	if err != nil {
		return &notify.DeliveryError{Class: notify.Permanent, Err: err}
	}
	a, err := t.call(ctx, to.Value, m)
	if err == nil && !a.OK && a.Parameters.Migrated != 0 {
		moved := strconv.FormatInt(a.Parameters.Migrated, 10)
		if t.migrated != nil {
			t.migrated(ctx, d.Recipient, moved)
		}
		a, err = t.call(ctx, moved, m)
	}
	if err != nil {
		return err
	}
	return a.outcome()
}

// call asks the Bot API to send a message.
func (t *Telegram) call(ctx context.Context, to string, m message) (answer, error) {
	body := request{ChatID: to, Text: m.markup.String(), ParseMode: "HTML"}
	if len(m.buttons) > 0 {
		body.ReplyMarkup = new(replyMarkup)
		for _, b := range m.buttons {
			body.ReplyMarkup.Rows = append(body.ReplyMarkup.Rows, []button{b})
		}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return answer{}, fmt.Errorf("telegram: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.server+"/bot"+t.token+"/sendMessage", bytes.NewReader(encoded))
	if err != nil {
		return answer{}, &notify.DeliveryError{Class: notify.Misconfigured, Err: errors.New("telegram: the server or the token makes no URL")}
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := t.client.Do(r)
	if err != nil {
		return answer{}, unanswered(err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&a); err != nil {
		if response.StatusCode < 500 {
			return answer{}, unanswered(err) // it may have been sent
		}
		a = answer{Code: response.StatusCode} // a proxy in between
	}
	a.Code = cmp.Or(a.Code, response.StatusCode)
	return a, nil
}

// unanswered is the failure of a call that nobody answered. The error of
// net/http holds the URL, and that the token: only its cause may be told.
func unanswered(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return &notify.DeliveryError{Err: errors.New("telegram: no connection")}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &notify.DeliveryError{Class: notify.Unknown, Err: fmt.Errorf("telegram: no answer: %w", err)}
	}
	return &notify.DeliveryError{Class: notify.Unknown, Err: errors.New("telegram: no answer that makes sense")}
}

//snippet:start outcome

// outcome tells the engine what follows from an answer. Its words are the
// server's, and may name the chat: they decide, but are not passed on.
func (a answer) outcome() error {
	if a.OK {
		return nil
	}
	failure := &notify.DeliveryError{Class: notify.Permanent, Err: fmt.Errorf("telegram: refused with %d", a.Code)}
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(strings.ToLower(a.Description), w) {
				return true
			}
		}
		return false
	}
	switch {
	case a.Code == http.StatusTooManyRequests:
		failure.Class = notify.Temporary
		failure.RetryAfter = time.Duration(min(max(a.Parameters.RetryAfter, 0), 86_400)) * time.Second
	case a.Code >= 500:
		failure.Class = notify.Temporary
	case a.Code == http.StatusUnauthorized, a.Code == http.StatusNotFound:
		failure.Class = notify.Misconfigured // the token is wrong, or no token at all
	case a.Code == http.StatusForbidden && says("blocked", "kicked", "deactivated", "not a member"),
		a.Code == http.StatusBadRequest && says("chat not found"):
		failure.Class = notify.Gone
	}
	return failure
}

//snippet:end outcome
