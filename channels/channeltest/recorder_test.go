package channeltest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parcel(title string) notify.Delivery {
	return notify.Delivery{Attempt: 1, Item: notify.Item{Notification: notify.Notification{
		Title: title, Rows: []notify.Row{{Text: "2 kg"}}, Data: []byte("17"),
	}}}
}

// recording is a harness of a Recorder that is told to behave like a peer.
func recording(r *channeltest.Recorder) channeltest.Harness {
	var taken peer
	take := func(then channeltest.Reply) channeltest.Reply {
		return func(ctx context.Context, c channeltest.Call) error {
			taken.add(messageOf(c))
			return then(ctx, c)
		}
	}
	replies := map[channeltest.Behavior]channeltest.Reply{
		channeltest.Accept:        take(channeltest.Fail(nil)),
		channeltest.Temporary:     channeltest.Refuse(notify.Temporary),
		channeltest.RetryAfter:    channeltest.Fail(&notify.DeliveryError{RetryAfter: channeltest.Wait, Err: errors.New("later")}),
		channeltest.Permanent:     channeltest.Refuse(notify.Permanent),
		channeltest.Gone:          channeltest.Refuse(notify.Gone),
		channeltest.Misconfigured: channeltest.Refuse(notify.Misconfigured),
		channeltest.Reset:         channeltest.Fail(errors.New("reset")),
		channeltest.Drop:          take(channeltest.Refuse(notify.Unknown)),
		channeltest.Hang:          take(channeltest.Stall()),
	}
	behave := func(b channeltest.Behavior) error {
		reply, ok := replies[b]
		if !ok {
			return errors.ErrUnsupported
		}
		r.Always(reply)
		return nil
	}
	_ = behave(channeltest.Accept)
	return channeltest.Harness{
		Channel:   r,
		Addresses: []notify.Address{{Channel: r.Name(), Value: "alice@loft"}, {Channel: r.Name(), Value: "bob@loft"}},
		Behave:    behave,
		Received:  taken.all,
	}
}

func messageOf(c channeltest.Call) channeltest.Message {
	m := channeltest.Message{To: c.Address.Value, Identity: c.Identity(), Text: written(c.Item.Notification)}
	if c.Digest != nil {
		m.Text = summed(c.Delivery, *c.Digest)
	}
	m.Text = strings.ToValidUTF8(m.Text, "?")
	return m
}

func TestRecorder_keepsTheContract(t *testing.T) {
	for _, r := range []*channeltest.Recorder{{}, {As: notify.Email, NoAddress: true}} {
		synctest.Test(t, func(t *testing.T) {
			assert.NoError(t, channeltest.Check(t.Context(), func() (channeltest.Harness, error) {
				return recording(&channeltest.Recorder{As: r.As, NoAddress: r.NoAddress}), nil
			}))
		})
	}
}

func TestRecorder_answersAsItIsTold(t *testing.T) {
	var r channeltest.Recorder
	first, always := errors.New("first"), errors.New("always")
	r.Next(channeltest.Fail(first), nil)
	r.Next(channeltest.Refuse(notify.Gone))
	r.Always(channeltest.Fail(always))
	deliver := func() error { return r.Deliver(t.Context(), parcel("Parcel 17")) }
	assert.Equal(t, first, deliver())
	assert.NoError(t, deliver())
	gone, ok := errors.AsType[*notify.DeliveryError](deliver())
	require.True(t, ok)
	assert.Equal(t, notify.Gone, gone.Class)
	assert.Equal(t, always, deliver())
	r.Always(nil)
	assert.NoError(t, r.DeliverDigest(t.Context(), notify.Delivery{}, notify.Digest{Total: 7, Items: []notify.Item{parcel("a").Item, parcel("b").Item}}))

	assert.Len(t, r.Calls(), 5)
	sent := r.Sent()
	require.Len(t, sent, 2)
	assert.Nil(t, sent[0].Digest)
	assert.Equal(t, []string{"Parcel 17"}, sent[0].Titles())
	assert.Equal(t, 7, sent[1].Digest.Total)
	assert.Equal(t, []string{"a", "b"}, sent[1].Titles())
}

func TestRecorder_showsCallsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r channeltest.Recorder
		r.Next(channeltest.Stall(), channeltest.Delay(time.Minute, nil), channeltest.Delay(time.Hour, channeltest.Refuse(notify.Permanent)))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		start := time.Now()
		for range 3 {
			go func() { _ = r.Deliver(ctx, parcel("Parcel 17")) }()
		}
		synctest.Wait()
		assert.Len(t, r.Calls(), 3)
		assert.Empty(t, r.Sent())
		sent, err := r.Wait(t.Context(), 1)
		require.NoError(t, err)
		assert.Len(t, sent, 1)
		assert.Equal(t, time.Minute, time.Since(start))
		r.Reset()
		assert.Len(t, r.Calls(), 2, "those that go on stay")
		sent, err = r.Wait(ctx, 1)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Empty(t, sent)
		synctest.Wait()
		for _, c := range r.Calls() {
			assert.True(t, c.Finished)
			assert.ErrorIs(t, c.Err, context.DeadlineExceeded)
			assert.False(t, c.Accepted())
		}
	})
}

func TestRecorder_sharesNothing(t *testing.T) {
	var r channeltest.Recorder
	d := parcel("Parcel 17")
	digest := notify.Digest{Total: 1, Items: []notify.Item{parcel("Parcel 18").Item}}
	require.NoError(t, r.DeliverDigest(t.Context(), d, digest))
	d.Item.Notification.Rows[0].Text, d.Item.Notification.Data[0] = "scribbled", '#'
	digest.Items[0].Notification.Title = "scribbled"
	for range 2 {
		c := r.Calls()[0]
		assert.Equal(t, "2 kg", c.Item.Notification.Rows[0].Text)
		assert.Equal(t, "17", string(c.Item.Notification.Data))
		assert.Equal(t, []string{"Parcel 18"}, c.Titles())
		c.Item.Notification.Data[0], c.Digest.Items[0].Notification.Title = '#', "scribbled"
	}
}

func TestRecorder_aReplyThatPanicsIsNoSuccess(t *testing.T) {
	var r channeltest.Recorder
	r.Next(func(context.Context, channeltest.Call) error { panic("boom") })
	assert.PanicsWithValue(t, "boom", func() { _ = r.Deliver(t.Context(), parcel("Parcel 17")) })
	assert.True(t, r.Calls()[0].Finished)
	assert.Empty(t, r.Sent())
}
