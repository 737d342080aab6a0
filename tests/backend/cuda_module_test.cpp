// SPDX-License-Identifier: Apache-2.0
// What is said where the driver or a module of backends is missing or broken. This executable has
// its own copy of the loader, which therefore looks for modules beside the executable.
#include "backend/cuda_module.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

namespace cadenza {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

void* driver() { return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL); }

class CudaModule : public testing::Test {
 protected:
  // The loader finds the driver by a name, which a library that is loaded already answers to.
  void SetUp() override {
    if (driver() == nullptr) {
      ASSERT_NE(dlopen(CADENZA_DRIVER_STAND_IN, RTLD_LAZY), nullptr) << dlerror();
    }
    ASSERT_NE(driver(), nullptr);
  }
};

TEST(CudaModuleWithoutDriver, NamesTheDriver) {
  if (driver() != nullptr) GTEST_SKIP() << "there is a driver";
  EXPECT_EQ(cuda_obstacle("cuda"),
            "no NVIDIA driver was found (libcuda.so.1 cannot be loaded); where there is a GPU, "
            "install its driver, R580 or newer");
}

TEST_F(CudaModule, NamesAMissingModule) {
  EXPECT_THAT(cuda_obstacle("cuda"),
              EndsWith("/libcadenza_cuda.so is missing; build with -DCADENZA_CUDA=ON"));
}

TEST_F(CudaModule, NamesABrokenModule) {
  EXPECT_THAT(cuda_obstacle("broken"),
              AllOf(HasSubstr("/libcadenza_broken.so cannot be loaded: "),
                    HasSubstr("libcadenza_broken.so: file too short"),
                    EndsWith("; install the libraries of CUDA 13, or build cadenza anew")));
}

TEST_F(CudaModule, NamesACudnnThatIsNotInstalled) {
  EXPECT_THAT(cuda_obstacle("cudnn"),
              AllOf(HasSubstr("/libcadenza_cudnn.so cannot be loaded: "),
                    HasSubstr("libcudnn_stub.so.9: "), EndsWith("; install cuDNN 9")));
}

TEST_F(CudaModule, NamesAModuleWithoutEntry) {
  EXPECT_THAT(cuda_obstacle("empty"),
              EndsWith("/libcadenza_empty.so has no cadenza_empty_entry; build cadenza anew"));
}

}  // namespace
}  // namespace cadenza
