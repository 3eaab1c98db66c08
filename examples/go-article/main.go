package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
)

// Reads numbers from standard input and prints the score that the model of INFERENCE_MODEL gives them.
func main() {
	var features []float32
	words := bufio.NewScanner(os.Stdin)
	words.Split(bufio.ScanWords)
	for words.Scan() {
		value, err := strconv.ParseFloat(words.Text(), 32)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		features = append(features, float32(value))
	}
	score := Infer(features)
	if math.IsNaN(float64(score)) {
		fmt.Fprintln(os.Stderr, "no score: is INFERENCE_MODEL the file of a model that takes", len(features), "features?")
		os.Exit(1)
	}
	fmt.Println(score)
}
