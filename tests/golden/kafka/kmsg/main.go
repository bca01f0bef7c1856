// Prints golden vectors made by franz-go's message package: every version of every message that
// Logboom speaks, once with its defaults and once with every field filled.
//
// Run by ../record_golden.py; the lines it prints are described in ../README.md.
package main

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What Logboom serves: name, lowest and highest version, a request.
var apis = []struct {
	name        string
	first, last int16
	request     func() kmsg.Request
}{
	{"produce", 3, 12, func() kmsg.Request { return kmsg.NewPtrProduceRequest() }},
	{"fetch", 4, 16, func() kmsg.Request { return kmsg.NewPtrFetchRequest() }},
	{"list_offsets", 1, 10, func() kmsg.Request { return kmsg.NewPtrListOffsetsRequest() }},
	{"metadata", 0, 13, func() kmsg.Request { return kmsg.NewPtrMetadataRequest() }},
	{"find_coordinator", 0, 6, func() kmsg.Request { return kmsg.NewPtrFindCoordinatorRequest() }},
	{"api_versions", 0, 4, func() kmsg.Request { return kmsg.NewPtrApiVersionsRequest() }},
	{"create_topics", 2, 7, func() kmsg.Request { return kmsg.NewPtrCreateTopicsRequest() }},
	{"delete_topics", 1, 6, func() kmsg.Request { return kmsg.NewPtrDeleteTopicsRequest() }},
	{"init_producer_id", 0, 5, func() kmsg.Request { return kmsg.NewPtrInitProducerIDRequest() }},
	{"describe_configs", 1, 4, func() kmsg.Request { return kmsg.NewPtrDescribeConfigsRequest() }},
	{"create_partitions", 0, 3, func() kmsg.Request { return kmsg.NewPtrCreatePartitionsRequest() }},
}

// kmsg writes tagged fields in every flexible version; these exist only from a later version on.
var taggedFrom = map[string]int16{
	"ProduceResponseTopicPartition.CurrentLeader":   10,
	"ProduceResponse.Brokers":                       10,
	"FetchRequest.ReplicaState":                     15,
	"FetchRequestTopicPartition.ReplicaDirectoryID": 17,
	"FetchRequestTopicPartition.HighWatermark":      18,
	"FetchResponse.Brokers":                         16,
}

// filler gives every field another value, so that two swapped fields are seen.
type filler struct {
	version int16
	counter int64
}

func (f *filler) fill(v reflect.Value) {
	f.counter++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8:
		v.SetInt(f.counter % 100)
	case reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.counter * 3)
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", f.counter))
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			v.Index(i).SetUint(uint64(f.counter+int64(i)) % 256)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(fmt.Sprintf("records-%d", f.counter)))
			return
		}
		s := reflect.MakeSlice(v.Type(), 2, 2)
		for i := 0; i < 2; i++ {
			f.fill(s.Index(i))
		}
		v.Set(s)
	case reflect.Ptr:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		if d, ok := v.Addr().Interface().(interface{ Default() }); ok {
			d.Default()
		}
		for i := 0; i < v.NumField(); i++ {
			name := v.Type().Field(i).Name
			if f.version < taggedFrom[v.Type().Name()+"."+name] {
				continue
			}
			if name != "Version" && name != "UnknownTags" {
				f.fill(v.Field(i))
			}
		}
	default:
		panic("no value for " + v.Kind().String())
	}
}

// frame is a whole request frame: size, header, body.
func frame(request kmsg.Request) []byte {
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("golden"))
	return formatter.AppendRequest(nil, request, 7)
}

func moduleVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if strings.HasSuffix(dep.Path, "/kmsg") {
			return dep.Version
		}
	}
	return "unknown"
}

func main() {
	for _, api := range apis {
		for _, content := range []string{"defaults", "filled"} {
			fmt.Printf("# franz-go kmsg %s, %s, %s, go run .\n", moduleVersion(), api.name, content)
			for version := api.first; version <= api.last; version++ {
				request := api.request()
				response := request.ResponseKind()
				request.SetVersion(version)
				response.SetVersion(version)
				if content == "filled" {
					(&filler{version: version}).fill(reflect.ValueOf(request).Elem())
					(&filler{version: version}).fill(reflect.ValueOf(response).Elem())
				}
				fmt.Printf("%s request %d %x\n", api.name, version, frame(request))
				fmt.Printf("%s response-body %d %x\n", api.name, version, response.AppendTo(nil))
			}
		}
	}
}
