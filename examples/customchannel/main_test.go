package main

func Example() {
	main()
	// Output:
	// 09:06, at the event:
	//   ann: Build 1 failed
	//   ann: Build 2 failed
	//   ann: Build 3 failed
	//   ann: Build 4 failed
	//   ann: Build 5 failed
	//   ann: Build 6 failed
	// 18:00, the digest:
	//   bob: 6 unread
	//   - Build 6 failed
	//   - Build 5 failed
	//   - Build 4 failed
	//   - Build 3 failed
	//   - Build 2 failed
	//   all of them: https://app.example/inbox/bob
}
