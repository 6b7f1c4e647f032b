// default_chain prints the ARN of whoever the AWS SDK for Go finds that it is: environment, files, profile.
//
// It takes the place of eksctl, which is built on the same chain and which no package registry has. Like eksctl
// it takes --profile and --region anywhere among other words, which mean nothing here.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	profile := flag.String("profile", "", "a profile of the AWS files")
	region := flag.String("region", "", "a region")
	for words := os.Args[1:]; len(words) > 0; {
		if err := flag.CommandLine.Parse(words); err != nil {
			os.Exit(2)
		}
		words = flag.Args()
		if len(words) > 0 {
			words = words[1:]
		}
	}
	if err := run(context.Background(), *profile, *region); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, profile, region string) error {
	var options []func(*config.LoadOptions) error
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	configuration, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	identity, err := sts.NewFromConfig(configuration).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Println(*identity.Arn)
	return nil
}
