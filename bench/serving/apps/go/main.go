// The endpoint that people write by hand in front of a model: net/http and encoding/json. There is no model behind it,
// so what it takes is the least that such a server takes.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"
)

type request struct {
	Features []float32 `json:"features"`
}

type response struct {
	Score float32 `json:"score"`
}

func predict(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	var body request
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var sum float32
	for _, feature := range body.Features {
		sum += feature
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(response{Score: sum})
}

func main() {
	address := flag.String("address", "127.0.0.1:8000", "address to listen on")
	flag.Parse()
	http.HandleFunc("/predict", predict)
	log.Fatal(http.ListenAndServe(*address, nil))
}
